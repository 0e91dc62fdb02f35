//! A log in memory whose replication the test drives, and a clock that follows tokio's.

use super::super::journal::{Committed, Journal, JournalError};
use super::super::markers::{MarkerError, TxnMarker};
use crate::clock::{Clock, Now};
use crate::ids::Verification;
use crate::record::header::{BatchHeader, HEADER_BYTES};
use crate::record::records::{RecordIter, RecordView};
use crate::record::validate::ValidBatch;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;

/// Wall time when the test begins, ms.
const EPOCH_MS: i64 = 1_700_000_000_000;

/// Follows tokio's clock, which a paused runtime moves by itself.
pub struct TokioClock(Instant);

impl TokioClock {
    pub fn start() -> Arc<Self> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Now {
        let mono_ms = self.0.elapsed().as_millis() as i64;
        Now { wall_ms: EPOCH_MS + mono_ms, mono_ms }
    }
}

/// One partition.
struct Log {
    batches: Vec<(i64, Bytes)>,
    end_offset: i64,
    committed: watch::Sender<i64>,
}

impl Default for Log {
    fn default() -> Self {
        Self { batches: Vec::new(), end_offset: 0, committed: watch::channel(0).0 }
    }
}

#[derive(Default)]
struct State {
    logs: BTreeMap<i32, Log>,
    /// What the next appends fail with; `Corrupt` panics.
    failing: Option<JournalError>,
    /// Appends are not committed by themselves.
    holding: bool,
}

/// The logs of all partitions.
#[derive(Default)]
pub struct MemoryJournal {
    state: Mutex<State>,
}

impl MemoryJournal {
    pub fn fail(&self, error: Option<JournalError>) {
        self.state.lock().failing = error;
    }

    /// Holds the high watermark where it is.
    pub fn hold(&self) {
        self.state.lock().holding = true;
    }

    /// Lets it catch up.
    pub fn release(&self) {
        let mut state = self.state.lock();
        state.holding = false;
        for log in state.logs.values_mut() {
            log.committed.send_replace(log.end_offset);
        }
    }

    /// The sizes of a partition's batches, bytes.
    pub fn batch_sizes(&self, partition: i32) -> Vec<usize> {
        let state = self.state.lock();
        state.logs.get(&partition).map(|log| log.batches.iter().map(|(_, b)| b.len()).collect()).unwrap_or_default()
    }
}

impl Journal for MemoryJournal {
    fn append(
        &self,
        partition: i32,
        batch: ValidBatch,
        _verification: Option<Verification>,
        _now: Now,
    ) -> Result<i64, JournalError> {
        let mut state = self.state.lock();
        match state.failing.clone() {
            Some(JournalError::Corrupt(text)) => panic!("{text}"),
            Some(error) => return Err(error),
            None => {}
        }
        let holding = state.holding;
        let log = state.logs.entry(partition).or_default();
        log.batches.push((log.end_offset, batch.bytes));
        log.end_offset += i64::from(batch.header.record_count);
        if !holding {
            log.committed.send_replace(log.end_offset);
        }
        Ok(log.end_offset)
    }

    fn append_marker(&self, partition: i32, marker: &TxnMarker, now: Now) -> Result<i64, MarkerError> {
        let batch = marker.batch(now.wall_ms).expect("a small batch");
        self.append(partition, batch, None, now).map_err(|error| MarkerError::Storage(error.to_string()))
    }

    fn committed(&self, partition: i32) -> i64 {
        self.state.lock().logs.get(&partition).map_or(0, |log| *log.committed.borrow())
    }

    fn wait_committed(&self, partition: i32, offset: i64) -> Committed {
        let mut committed = self.state.lock().logs.entry(partition).or_default().committed.subscribe();
        Box::pin(async move {
            let reached = committed.wait_for(|committed| *committed >= offset).await;
            reached.map(|_| ()).map_err(|_| JournalError::NotLeader)
        })
    }

    /// One batch a stretch.
    fn read(
        &self,
        partition: i32,
        from: i64,
        each: &mut dyn FnMut(&BatchHeader, &RecordView<'_>),
    ) -> Result<i64, JournalError> {
        let found = |log: &Log| log.batches.iter().find(|(base_offset, _)| *base_offset >= from).cloned();
        let Some((base_offset, bytes)) = self.state.lock().logs.get(&partition).and_then(found) else {
            return Ok(from);
        };
        let mut header = BatchHeader::parse(&bytes).map_err(|e| JournalError::Corrupt(e.to_string()))?;
        header.base_offset = base_offset;
        for record in RecordIter::new(&bytes[HEADER_BYTES..], header.record_count) {
            each(&header, &record.map_err(|e| JournalError::Corrupt(e.to_string()))?);
        }
        Ok(header.next_offset())
    }
}
