//! The suffix of the log that is kept in memory.

use prost::Message as _;
use raft::eraftpb::Entry;
use std::collections::VecDeque;

/// What an entry counts for in a bound of bytes.
pub(super) fn size_bytes(entry: &Entry) -> u64 {
    entry.encoded_len() as u64
}

/// The newest entries, without a gap up to the end of the log.
pub(super) struct RecentEntries {
    /// The index of the first of `entries`, or of the next to come if there is none.
    first_index: u64,
    entries: VecDeque<Entry>,
    entries_bytes: u64,
    /// Durable entries are kept up to here.
    max_bytes: u64,
}

impl RecentEntries {
    /// Nothing in memory; the next entry is `next_index`.
    pub(super) fn new(next_index: u64, max_bytes: usize) -> Self {
        Self { first_index: next_index, entries: VecDeque::new(), entries_bytes: 0, max_bytes: max_bytes as u64 }
    }

    pub(super) fn first_index(&self) -> u64 {
        self.first_index
    }

    /// Drops everything; the next entry is `next_index`.
    pub(super) fn restart_at(&mut self, next_index: u64) {
        self.entries.clear();
        self.entries_bytes = 0;
        self.first_index = next_index;
    }

    /// Puts `entries`, consecutive and not empty, at their indexes; what stood there and beyond is gone.
    pub(super) fn append(&mut self, entries: Vec<Entry>) {
        let first = entries[0].index;
        if first <= self.first_index {
            self.restart_at(first);
        }
        while self.first_index + self.entries.len() as u64 > first {
            let replaced = self.entries.pop_back().expect("the suffix is longer than what stays of it");
            self.entries_bytes -= size_bytes(&replaced);
        }
        self.entries_bytes += entries.iter().map(size_bytes).sum::<u64>();
        self.entries.extend(entries);
    }

    /// Entries up to `durable_index` may go, oldest first, while there are too many bytes.
    pub(super) fn evict_up_to(&mut self, durable_index: u64) {
        while self.entries_bytes > self.max_bytes && self.first_index <= durable_index && self.pop_front() {}
    }

    /// Entries up to `index` are compacted away.
    pub(super) fn forget_up_to(&mut self, index: u64) {
        while self.first_index <= index && self.pop_front() {}
    }

    fn pop_front(&mut self) -> bool {
        let Some(entry) = self.entries.pop_front() else { return false };
        self.entries_bytes -= size_bytes(&entry);
        self.first_index += 1;
        true
    }

    pub(super) fn term(&self, index: u64) -> Option<u64> {
        let place = usize::try_from(index.checked_sub(self.first_index)?).ok()?;
        self.entries.get(place).map(|entry| entry.term)
    }

    /// Entries `low..high`, all of them here, until `max_bytes` are exceeded; at least one.
    pub(super) fn read(&self, low: u64, high: u64, max_bytes: u64) -> Vec<Entry> {
        let skipped = (low - self.first_index) as usize;
        let mut bytes = 0;
        self.entries
            .range(skipped..(high - self.first_index) as usize)
            .enumerate()
            .take_while(|(place, entry)| {
                bytes += size_bytes(entry);
                *place == 0 || bytes <= max_bytes
            })
            .map(|(_, entry)| entry.clone())
            .collect()
    }
}
