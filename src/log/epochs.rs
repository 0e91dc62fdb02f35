//! Leader epochs of a log and the offsets at which they start (KIP-101, KIP-279).

/// An epoch and its first offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EpochEntry {
    /// The leader epoch.
    pub epoch: i32,
    /// First offset that was, or would have been, written in it.
    pub start_offset: i64,
}

/// What is answered where no epoch is known: no epoch, no offset.
pub const UNDEFINED: (i32, i64) = (-1, -1);

/// Epochs in ascending order of both fields. A change makes a new value; readers keep the one they hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    entries: Vec<EpochEntry>,
}

impl Epochs {
    /// Epochs as a checkpoint lists them, ascending.
    pub fn new(entries: Vec<EpochEntry>) -> Self {
        Self { entries }
    }

    /// All of them, ascending.
    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    /// The newest epoch.
    pub fn latest(&self) -> Option<i32> {
        self.entries.last().map(|entry| entry.epoch)
    }

    /// With `epoch` starting at `start_offset`: what contradicts it goes. `None` if nothing changes, because the epoch is
    /// known already or older than the newest.
    pub fn assigned(&self, epoch: i32, start_offset: i64) -> Option<Self> {
        if epoch < 0 || self.latest().is_some_and(|latest| latest >= epoch) {
            return None;
        }
        let mut entries = self.entries.clone();
        entries.retain(|entry| entry.start_offset < start_offset);
        entries.push(EpochEntry { epoch, start_offset });
        Some(Self { entries })
    }

    /// Without what starts at or beyond `end_offset`; `None` if that is nothing.
    pub fn truncated_to(&self, end_offset: i64) -> Option<Self> {
        if self.entries.last().is_none_or(|last| last.start_offset < end_offset) {
            return None;
        }
        let mut entries = self.entries.clone();
        entries.retain(|entry| entry.start_offset < end_offset);
        Some(Self { entries })
    }

    /// Without epochs that end before `start_offset`; the one that holds it starts there. `None` if nothing changes.
    pub fn started_at(&self, start_offset: i64) -> Option<Self> {
        if self.entries.first().is_none_or(|first| first.start_offset >= start_offset) {
            return None;
        }
        let before = self.entries.partition_point(|entry| entry.start_offset <= start_offset);
        let mut entries = self.entries[before - 1..].to_vec();
        entries[0].start_offset = start_offset;
        Some(Self { entries })
    }

    /// The largest epoch not above `epoch`, and where the next one starts or the log ends (L4). An epoch above the
    /// newest, or no epoch at all, is [`UNDEFINED`]; one below the oldest ends where the oldest starts.
    pub fn end_offset_for_epoch(&self, epoch: i32, log_end_offset: i64) -> (i32, i64) {
        let Some(latest) = self.latest() else { return UNDEFINED };
        if epoch < 0 || epoch > latest {
            return UNDEFINED;
        }
        if epoch == latest {
            return (epoch, log_end_offset);
        }
        let above = self.entries.partition_point(|entry| entry.epoch <= epoch);
        let end_offset = self.entries[above].start_offset;
        let floor = if above == 0 { epoch } else { self.entries[above - 1].epoch };
        (floor, end_offset)
    }

    /// The epoch in which `offset` was written.
    pub fn epoch_at(&self, offset: i64) -> Option<i32> {
        let above = self.entries.partition_point(|entry| entry.start_offset <= offset);
        above.checked_sub(1).map(|floor| self.entries[floor].epoch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epochs(pairs: &[(i32, i64)]) -> Epochs {
        Epochs::new(pairs.iter().map(|&(epoch, start_offset)| EpochEntry { epoch, start_offset }).collect())
    }

    #[test]
    fn l4_end_offset_is_where_the_next_epoch_starts() {
        let known = epochs(&[(2, 10), (4, 20), (5, 30)]);
        let ends = [(1, (1, 10)), (2, (2, 20)), (3, (2, 20)), (4, (4, 30)), (5, (5, 99)), (6, UNDEFINED)];
        for (asked, answer) in ends {
            assert_eq!(known.end_offset_for_epoch(asked, 99), answer, "epoch {asked}");
        }
        assert_eq!(Epochs::default().end_offset_for_epoch(0, 99), UNDEFINED);
    }

    #[test]
    fn assigning_and_truncating() {
        let known = epochs(&[(2, 10), (4, 20)]);
        assert_eq!(known.assigned(4, 25), None);
        assert_eq!(known.assigned(5, 15), Some(epochs(&[(2, 10), (5, 15)])), "what was never written goes");
        assert_eq!(known.truncated_to(20), Some(epochs(&[(2, 10)])));
        assert_eq!(known.truncated_to(21), None);
        assert_eq!(known.started_at(15), Some(epochs(&[(2, 15), (4, 20)])));
        assert_eq!(known.started_at(25), Some(epochs(&[(4, 25)])));
        assert_eq!(known.epoch_at(9), None);
        assert_eq!(known.epoch_at(20), Some(4));
    }
}
