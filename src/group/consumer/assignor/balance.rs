//! The uniform assignor where members read different topics: balance comes before stickiness.

use super::super::super::Text;
use super::super::partitions::Partitions;
use super::GroupSpec;
use crate::ids::Uuid;
use std::collections::{BTreeMap, BTreeSet};

/// Rounds over all topics in which partitions are moved. Where subscriptions overlap without being alike, a round about
/// halves the imbalance; where they are alike, one is enough.
const MAX_ROUNDS: usize = 16;

/// Everyone keeps what it has; what nobody has goes to the least loaded subscriber; then partitions move, topic by topic,
/// from the most to the least loaded subscriber while that helps.
pub fn assign(group: &GroupSpec) -> BTreeMap<Text, Partitions> {
    let mut board = Board::new(group);
    let topics = board.topics_by_need(group);
    let mut unassigned: BTreeMap<Uuid, Vec<i32>> = BTreeMap::new();
    for (topic, partition) in group.unassigned(&group.kept()) {
        unassigned.entry(topic).or_default().push(partition);
    }
    for topic in &topics {
        let Some(partitions) = unassigned.get(topic) else { continue };
        let mut takers = board.by_load(topic);
        for partition in partitions {
            board.give(*topic, *partition, &mut takers);
        }
    }
    for _ in 0..MAX_ROUNDS {
        let moved: usize = topics.iter().map(|topic| board.balance(*topic)).sum();
        if moved == 0 {
            break;
        }
    }
    board.into_assignment()
}

/// Members by how many partitions they have, then by place.
type ByLoad = BTreeSet<(usize, usize)>;

/// Who has what. Members are known by their place among all, by id.
struct Board {
    ids: Vec<Text>,
    loads: Vec<usize>,
    /// Topic → its subscribers.
    subscribers: BTreeMap<Uuid, Vec<usize>>,
    /// Topic → partitions of each owner.
    owned: BTreeMap<Uuid, BTreeMap<usize, BTreeSet<i32>>>,
}

impl Board {
    fn new(group: &GroupSpec) -> Self {
        let ids: Vec<Text> = group.members.keys().cloned().collect();
        let mut board = Self { loads: vec![0; ids.len()], ids, subscribers: BTreeMap::new(), owned: BTreeMap::new() };
        let kept = group.kept();
        for (place, (member, kept)) in group.members.values().zip(kept.values()).enumerate() {
            for topic in member.topics.iter() {
                board.subscribers.entry(*topic).or_default().push(place);
            }
            for (topic, partition) in kept.iter() {
                board.put(topic, partition, place);
            }
        }
        board
    }

    fn put(&mut self, topic: Uuid, partition: i32, place: usize) {
        self.owned.entry(topic).or_default().entry(place).or_default().insert(partition);
        self.loads[place] += 1;
    }

    /// Topics with the most partitions a subscriber first, then those with the fewest subscribers.
    fn topics_by_need(&self, group: &GroupSpec) -> Vec<Uuid> {
        let mut topics: Vec<(&Uuid, i64, i64)> = self
            .subscribers
            .iter()
            .map(|(topic, subscribers)| {
                let count = i64::try_from(subscribers.len()).unwrap_or(i64::MAX);
                (topic, i64::from(group.partition_count(topic)), count)
            })
            .collect();
        // p/s before q/t if p·t > q·s.
        topics.sort_by(|(a, p, s), (b, q, t)| (q * s).cmp(&(p * t)).then(s.cmp(t)).then(a.cmp(b)));
        topics.into_iter().map(|(topic, _, _)| *topic).collect()
    }

    fn by_load(&self, topic: &Uuid) -> ByLoad {
        self.subscribers.get(topic).into_iter().flatten().map(|place| (self.loads[*place], *place)).collect()
    }

    /// Gives a partition to the least loaded of `takers`.
    fn give(&mut self, topic: Uuid, partition: i32, takers: &mut ByLoad) {
        let Some((load, place)) = takers.pop_first() else { return };
        self.put(topic, partition, place);
        takers.insert((load + 1, place));
    }

    /// Moves partitions of a topic while the most loaded owner has at least two more than the least loaded subscriber.
    /// Returns how many.
    fn balance(&mut self, topic: Uuid) -> usize {
        let mut takers = self.by_load(&topic);
        let owners = self.owned.entry(topic).or_default();
        let mut givers: ByLoad = owners.keys().map(|place| (self.loads[*place], *place)).collect();
        let mut moved = 0;
        while let (Some((most, from)), Some((least, to))) = (givers.last().copied(), takers.first().copied()) {
            if most <= least + 1 {
                break;
            }
            let Some(partition) = owners.get_mut(&from).and_then(BTreeSet::pop_last) else {
                givers.pop_last();
                continue;
            };
            for (place, before, after) in [(from, most, most - 1), (to, least, least + 1)] {
                self.loads[place] = after;
                takers.remove(&(before, place));
                takers.insert((after, place));
                if givers.remove(&(before, place)) || place == to {
                    givers.insert((after, place));
                }
            }
            owners.entry(to).or_default().insert(partition);
            moved += 1;
        }
        owners.retain(|_, partitions| !partitions.is_empty());
        moved
    }

    fn into_assignment(self) -> BTreeMap<Text, Partitions> {
        let mut assigned: BTreeMap<Text, Partitions> =
            self.ids.iter().map(|id| (id.clone(), Partitions::default())).collect();
        for (topic, owners) in self.owned {
            for (place, partitions) in owners {
                let of_member = assigned.get_mut(&self.ids[place]).expect("every member has an entry");
                partitions.into_iter().for_each(|partition| _ = of_member.insert(topic, partition));
            }
        }
        assigned
    }
}
