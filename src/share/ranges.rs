//! Offsets in runs that stand alike: a map from stretches of offsets to what is true of them.

use std::collections::BTreeMap;

/// Runs of offsets in order, none overlapping another; neighbours that stand alike are one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ranges<V> {
    /// By first offset: the last one, and what is true of them.
    runs: BTreeMap<i64, (i64, V)>,
}

impl<V> Default for Ranges<V> {
    fn default() -> Self {
        Self { runs: BTreeMap::new() }
    }
}

impl<V: Clone + PartialEq> Ranges<V> {
    /// The runs in order: first offset, last offset, value.
    pub fn iter(&self) -> impl Iterator<Item = (i64, i64, &V)> {
        self.runs.iter().map(|(first, (last, value))| (*first, *last, value))
    }

    /// The first run.
    pub fn first(&self) -> Option<(i64, i64, &V)> {
        self.iter().next()
    }

    /// The offset behind the last run.
    pub fn end(&self) -> Option<i64> {
        self.runs.last_key_value().map(|(_, (last, _))| last + 1)
    }

    /// The parts of runs that lie between two offsets, both inclusive.
    pub fn within(&self, first: i64, last: i64) -> impl Iterator<Item = (i64, i64, &V)> {
        let before = self.runs.range(..first).next_back().filter(|(_, (end, _))| *end >= first);
        let inside = (first <= last).then(|| self.runs.range(first..=last)).into_iter().flatten();
        before
            .filter(|_| first <= last)
            .into_iter()
            .chain(inside)
            .map(move |(from, (to, value))| ((*from).max(first), (*to).min(last), value))
    }

    /// Changes what is true of the offsets between two, both inclusive, where there are runs.
    pub fn change(&mut self, first: i64, last: i64, change: impl Fn(&mut V)) {
        if first > last {
            return;
        }
        self.cut(first);
        self.cut(last.saturating_add(1));
        for (_, (_, value)) in self.runs.range_mut(first..=last) {
            change(value);
        }
        self.join(first, last);
    }

    /// Sets what is true of the offsets between two, both inclusive, where there are no runs yet.
    pub fn fill(&mut self, first: i64, last: i64, value: &V) {
        let mut at = first;
        let held: Vec<(i64, i64)> = self.within(first, last).map(|(from, to, _)| (from, to)).collect();
        for (from, to) in held {
            if at < from {
                self.runs.insert(at, (from - 1, value.clone()));
            }
            at = to.saturating_add(1);
        }
        if at <= last {
            self.runs.insert(at, (last, value.clone()));
        }
        self.join(first, last);
    }

    /// Drops everything below an offset.
    pub fn forget_below(&mut self, offset: i64) {
        self.cut(offset);
        self.runs = self.runs.split_off(&offset);
    }

    /// Makes an offset the first of a run, if it is in one.
    fn cut(&mut self, at: i64) {
        let Some((_, (last, value))) = self.runs.range_mut(..at).next_back() else { return };
        if *last >= at {
            let rest = (*last, value.clone());
            *last = at - 1;
            self.runs.insert(at, rest);
        }
    }

    /// Joins neighbours that stand alike, from the run before `first` to the one behind `last`.
    fn join(&mut self, first: i64, last: i64) {
        let mut at = self.runs.range(..first).next_back().map_or(first, |(from, _)| *from);
        while let Some((from, to)) = self.runs.range(at..).next().map(|(from, (to, _))| (*from, *to)) {
            if from > last {
                return;
            }
            let next = to.saturating_add(1);
            let alike = match (self.runs.get(&from), self.runs.get(&next)) {
                (Some((_, value)), Some((_, behind))) => value == behind,
                _ => false,
            };
            if alike {
                let Some((end, _)) = self.runs.remove(&next) else { return };
                self.runs.entry(from).and_modify(|(to, _)| *to = end);
                at = from;
            } else {
                at = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What a map from single offsets would say.
    fn spread(ranges: &Ranges<u8>) -> BTreeMap<i64, u8> {
        ranges.iter().flat_map(|(first, last, value)| (first..=last).map(|offset| (offset, *value))).collect()
    }

    proptest! {
        #[test]
        fn s1_runs_say_what_single_offsets_would(steps in prop::collection::vec((0..4u8, 0..30i64, 0..12i64, 0..3u8), 0..30)) {
            let mut ranges = Ranges::default();
            let mut model = BTreeMap::new();
            for (kind, first, length, value) in steps {
                let last = first + length - 1;
                match kind {
                    0 => {
                        ranges.forget_below(first);
                        model.retain(|offset, _| *offset >= first);
                    }
                    1 => {
                        ranges.change(first, last, |held| *held = value);
                        model.range_mut(first..first.max(last + 1)).for_each(|(_, held)| *held = value);
                    }
                    _ => {
                        ranges.fill(first, last, &value);
                        (first..=last).for_each(|offset| { model.entry(offset).or_insert(value); });
                    }
                }
                prop_assert_eq!(spread(&ranges), model.clone());
                let runs: Vec<_> = ranges.iter().collect();
                for pair in runs.windows(2) {
                    let apart = pair[0].1 + 1 < pair[1].0 || pair[0].2 != pair[1].2;
                    prop_assert!(apart && pair[0].1 < pair[1].0, "{:?}", runs);
                }
                let within: BTreeMap<i64, u8> = ranges
                    .within(first, last)
                    .flat_map(|(from, to, value)| (from..=to).map(|offset| (offset, *value)))
                    .collect();
                let expected: BTreeMap<i64, u8> =
                    model.range(first..first.max(last + 1)).map(|(offset, value)| (*offset, *value)).collect();
                prop_assert_eq!(within, expected);
            }
        }
    }
}
