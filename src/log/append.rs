//! Appending: check a group of batches, write it with one call, then make it known.

use super::error::{AppendRefused, LogError};
use super::index::{IndexEntry, MemoryIndex};
use super::partition_log::{Log, Writer};
use super::producer_state::{AppendOrigin, EndMarker, ProducerState, Update, Verdict};
use super::segment::Tail;
use super::tail::TailBatch;
use super::walk::read_marker;
use crate::clock::Now;
use crate::record::batches;
use crate::record::crc;
use crate::record::header::BatchHeader;
use crate::record::validate::ValidBatch;
use bytes::Bytes;
use smallvec::SmallVec;
use std::io::IoSlice;
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// The kernel is asked to write back each time that a log has grown by this much.
const WRITE_BACK_BYTES: u64 = 8 << 20;

/// One batch to append as the leader.
#[derive(Clone, Copy)]
pub struct AppendBatch<'a> {
    /// The batch, validated.
    pub batch: &'a ValidBatch,
    /// Where it comes from.
    pub origin: AppendOrigin,
}

/// A batch that is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Offset of its first record.
    pub base_offset: i64,
    /// Offset of its last record.
    pub last_offset: i64,
    /// The broker's time in ms on topics with LogAppendTime, else -1.
    pub append_time_ms: i64,
    /// First offset of the log.
    pub log_start_offset: i64,
    /// It was there before; nothing was written (I1).
    pub duplicate: bool,
}

/// What a follower appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FollowerAppended {
    /// Batches appended.
    pub batches: usize,
    /// Bytes appended; a batch cut off at the end is left out.
    pub bytes: usize,
    /// The log's end now.
    pub log_end_offset: i64,
}

/// A batch that will be written, with its final offsets.
pub(super) struct Planned {
    pub header: BatchHeader,
    pub bytes: Bytes,
}

/// How far planning came.
struct Plan {
    planned: SmallVec<[Planned; 4]>,
    update: Update,
    /// Batches judged, refused and repeated ones included.
    judged: usize,
    bytes: u64,
    /// The next batch needs a new segment.
    roll: bool,
}

impl Log {
    /// Appends batches in order with one vectored write, each with the next offsets and `leader_epoch`.
    ///
    /// `out` gets one answer per batch. On an error it has fewer: those it has stand, the batches after them are as if
    /// they had never come. A leader epoch below the log's newest is [`LogError::NotContiguous`].
    pub fn append_as_leader(
        &mut self,
        batches: &[AppendBatch<'_>],
        leader_epoch: i32,
        now: Now,
        out: &mut Vec<Result<Appended, AppendRefused>>,
    ) -> Result<(), LogError> {
        self.reader.dir.check_online()?;
        self.writer(now)?;
        if let Some(latest) = self.reader.latest_epoch()?.filter(|latest| *latest > leader_epoch) {
            // Recovery would cut the log at such a batch.
            return Err(LogError::NotContiguous(format!("leader epoch {leader_epoch} after epoch {latest}")));
        }
        let mut rest = batches;
        while !rest.is_empty() {
            let answered = out.len();
            let reader = self.reader.clone();
            let mut producers = reader.loaded_producers()?;
            let state = producers.as_mut().expect("loaded_producers loads");
            let plan = self.plan(state, rest, leader_epoch, now, out);
            rest = &rest[plan.judged..];
            let roll = plan.roll;
            if let Err(error) = self.write_group(state, plan, now) {
                out.truncate(answered);
                return Err(error);
            }
            drop(producers);
            if roll {
                self.roll(self.log_end_offset(), now)?;
            }
        }
        Ok(())
    }

    /// Judges batches until one needs a new segment, and gives offsets to those that pass.
    fn plan(
        &self,
        state: &ProducerState,
        batches: &[AppendBatch<'_>],
        leader_epoch: i32,
        now: Now,
        out: &mut Vec<Result<Appended, AppendRefused>>,
    ) -> Plan {
        let writer = self.writer.as_ref().expect("made before planning");
        let mut plan = Plan::new();
        let mut next_offset = writer.tail.end_offset;
        for AppendBatch { batch, origin } in batches {
            let mut header = batch.header;
            header.base_offset = next_offset;
            header.leader_epoch = leader_epoch;
            let marker = read_marker(&header, &batch.bytes);
            match self.judge(state, &plan.update, &header, marker, *origin) {
                Ok(Verdict::Append) => {}
                Ok(Verdict::Duplicate(mark)) => {
                    out.push(Ok(self.appended(mark.first_offset, mark.last_offset, batch.append_time_ms, true)));
                    plan.judged += 1;
                    continue;
                }
                Err(refused) => {
                    out.push(Err(refused));
                    plan.judged += 1;
                    continue;
                }
            }
            if self.must_roll(&header, plan.bytes, now) {
                plan.roll = true;
                break;
            }
            state.add(&mut plan.update, &header, next_offset, marker);
            out.push(Ok(self.appended(next_offset, header.last_offset(), batch.append_time_ms, false)));
            next_offset = header.next_offset();
            plan.add(header, batch.bytes.clone());
        }
        plan
    }

    fn judge(
        &self,
        state: &ProducerState,
        update: &Update,
        header: &BatchHeader,
        marker: Option<EndMarker>,
        origin: AppendOrigin,
    ) -> Result<Verdict, AppendRefused> {
        let size_bytes = header.size_bytes() as u64;
        if size_bytes > self.config.segment_bytes {
            return Err(AppendRefused::RecordListTooLarge { size_bytes, segment_bytes: self.config.segment_bytes });
        }
        if !header.has_producer_id() {
            return Ok(Verdict::Append);
        }
        match (origin, marker) {
            (AppendOrigin::Marker { transaction_version }, Some(marker)) => {
                state.check_marker(update, header, marker, transaction_version).map(|()| Verdict::Append)
            }
            _ => state.check(update, header, header.base_offset, origin),
        }
    }

    fn appended(&self, base_offset: i64, last_offset: i64, append_time_ms: i64, duplicate: bool) -> Appended {
        let log_start_offset = self.log_start_offset();
        Appended { base_offset, last_offset, append_time_ms, log_start_offset, duplicate }
    }

    /// Appends what the leader sent: its batches with their offsets and epochs, byte for byte. A batch cut off at the
    /// end is left for the next fetch. On an error, batches before a roll may have been appended: see the log's end.
    pub fn append_as_follower(&mut self, bytes: Bytes, now: Now) -> Result<FollowerAppended, LogError> {
        self.reader.dir.check_online()?;
        self.writer(now)?;
        let mut rest = self.checked(&bytes)?;
        let mut done = FollowerAppended { batches: rest.len(), bytes: 0, log_end_offset: self.log_end_offset() };
        while !rest.is_empty() {
            let reader = self.reader.clone();
            let mut producers = reader.loaded_producers()?;
            let state = producers.as_mut().expect("loaded_producers loads");
            let mut plan = Plan::new();
            for planned in &rest {
                if self.must_roll(&planned.header, plan.bytes, now) {
                    plan.roll = true;
                    break;
                }
                let marker = read_marker(&planned.header, &planned.bytes);
                state.add(&mut plan.update, &planned.header, planned.header.base_offset, marker);
                plan.add(planned.header, planned.bytes.clone());
            }
            let (roll, taken) = (plan.roll, plan.judged);
            done.bytes += plan.bytes as usize;
            self.write_group(state, plan, now)?;
            drop(producers);
            rest.drain(..taken);
            if let (true, Some(next)) = (roll, rest.first()) {
                // A gap between segments would look like a loss to recovery: only where offsets jump too far.
                let within_reach = next.header.last_offset().wrapping_sub(i64::from(i32::MAX));
                self.roll(within_reach.max(self.log_end_offset()), now)?;
            }
        }
        done.log_end_offset = self.log_end_offset();
        Ok(done)
    }

    /// The whole batches in `bytes`, each with a right CRC and offsets and epochs that go on from the log's.
    fn checked(&self, bytes: &Bytes) -> Result<Vec<Planned>, LogError> {
        let mut next_offset = self.log_end_offset();
        let mut epoch = self.reader.latest_epoch()?.unwrap_or(-1);
        let mut checked = Vec::new();
        for batch in batches(bytes) {
            let (header, place) = match batch {
                Ok(found) => found,
                Err(crate::record::BatchError::Truncated { .. }) => break,
                Err(error) => return Err(LogError::Corrupt(error.to_string())),
            };
            let batch = bytes.slice(place);
            if !crc::verify(&batch) {
                return Err(LogError::Corrupt(format!("wrong CRC at offset {}", header.base_offset)));
            }
            if header.base_offset < next_offset || header.last_offset_delta < 0 {
                let found = header.base_offset;
                return Err(LogError::NotContiguous(format!("offset {found} where {next_offset} is next")));
            }
            if header.leader_epoch < epoch {
                let found = header.leader_epoch;
                return Err(LogError::NotContiguous(format!("epoch {found} after epoch {epoch}")));
            }
            next_offset = header.next_offset();
            epoch = header.leader_epoch;
            checked.push(Planned { header, bytes: batch });
        }
        Ok(checked)
    }

    /// Writes a group and, only once it is written, takes over what it changes.
    fn write_group(&mut self, state: &mut ProducerState, plan: Plan, now: Now) -> Result<(), LogError> {
        if plan.planned.is_empty() {
            return Ok(());
        }
        self.write(&plan)?;
        let end_offset = plan.planned.last().map_or(0, |last| last.header.next_offset());
        if !plan.update.is_empty() {
            self.reader.add_aborted(plan.update.aborted());
            state.commit(plan.update, end_offset);
            state.bound(self.config.max_producer_ids);
            self.reader.publish_unstable(state);
        } else {
            state.commit(plan.update, end_offset);
        }
        self.note_epochs(&plan.planned)?;
        self.publish(&plan.planned, plan.bytes, now);
        Ok(())
    }

    fn write(&mut self, plan: &Plan) -> Result<(), LogError> {
        self.reserve(plan.bytes);
        let reader = self.reader.clone();
        let writer = self.writer.as_mut().expect("made before planning");
        let file = writer.active.file(&reader.dir.handles, || reader.folder());
        let file = file.map_err(|error| reader.dir.write_failed(&error))?;
        if writer.overhang {
            let trimmed = file.truncate(writer.tail.size_bytes);
            trimmed.map_err(|error| reader.dir.write_failed(&error))?;
            writer.overhang = false;
            writer.reserved_bytes = 0;
        }
        let prefix = |planned: &Planned| {
            let mut prefix = [0; 16];
            prefix[..8].copy_from_slice(&planned.header.base_offset.to_be_bytes());
            prefix[8..12].copy_from_slice(&planned.header.batch_length.to_be_bytes());
            prefix[12..].copy_from_slice(&planned.header.leader_epoch.to_be_bytes());
            prefix
        };
        writer.prefixes.clear();
        writer.prefixes.extend(plan.planned.iter().map(prefix));
        let mut slices: SmallVec<[IoSlice<'_>; 8]> = SmallVec::new();
        for (prefix, planned) in writer.prefixes.iter().zip(&plan.planned) {
            slices.push(IoSlice::new(prefix));
            slices.push(IoSlice::new(&planned.bytes[16..]));
        }
        if let Err(error) = file.append_vectored(writer.tail.size_bytes, &slices) {
            // Some batches may lie there whole: a refused batch must not come back after a restart.
            writer.overhang = file.truncate(writer.tail.size_bytes).is_err();
            writer.reserved_bytes = 0;
            return Err(reader.dir.write_failed(&error));
        }
        reader.dir.write_succeeded();
        let size_bytes = writer.tail.size_bytes + plan.bytes;
        if size_bytes - writer.written_back_bytes >= WRITE_BACK_BYTES {
            file.start_write_back(writer.written_back_bytes, size_bytes - writer.written_back_bytes);
            writer.written_back_bytes = size_bytes;
        }
        Ok(())
    }

    /// Notes the epochs that begin with these batches.
    fn note_epochs(&self, planned: &[Planned]) -> Result<(), LogError> {
        let mut known = self.reader.epochs()?.latest().unwrap_or(-1);
        for Planned { header, .. } in planned {
            if header.leader_epoch > known {
                known = header.leader_epoch;
                if let Some(epochs) = self.reader.epochs()?.assigned(known, header.base_offset) {
                    self.reader.set_epochs(epochs);
                }
            }
        }
        Ok(())
    }

    /// Indexes written batches and shows them to readers.
    fn publish(&mut self, planned: &[Planned], bytes: u64, now: Now) {
        let writer = self.writer.as_mut().expect("made before planning");
        let memory = writer.active.memory().unwrap_or_else(|| {
            writer.active.set_memory(MemoryIndex::default(), false);
            writer.active.memory().expect("set just now")
        });
        if writer.tail.size_bytes == 0 {
            writer.active.set_first_timestamp(planned[0].header.max_timestamp);
        }
        for Planned { header, .. } in planned {
            writer.index(&memory, header, self.config.index_interval_bytes);
        }
        writer.active.publish(writer.tail);
        self.reader.log_end.store(writer.tail.end_offset, Ordering::Release);
        if self.reader.tail.is_wanted() {
            let kept = planned.iter().zip(&writer.prefixes).map(|(planned, prefix)| {
                let header = &planned.header;
                TailBatch::new(header.base_offset, header.next_offset(), prefix, &planned.bytes)
            });
            writer.pending.extend(kept);
            self.reader.tail.push(&mut writer.pending);
        } else {
            writer.pending.clear();
        }
        self.reader.dir.note_unflushed(&self.reader, bytes, now);
    }

    /// The reader's handle; the same for every call.
    pub(super) fn reader_ref(&self) -> &Arc<super::reader::LogReader> {
        &self.reader
    }
}

impl Plan {
    fn new() -> Self {
        Self { planned: SmallVec::new(), update: Update::default(), judged: 0, bytes: 0, roll: false }
    }

    fn add(&mut self, header: BatchHeader, bytes: Bytes) {
        assert_eq!(bytes.len(), header.size_bytes(), "a batch is as long as its header says");
        self.bytes += bytes.len() as u64;
        self.judged += 1;
        self.planned.push(Planned { header, bytes });
    }
}

impl Writer {
    /// Moves the end behind a batch, with an index entry before it if the last one is far enough.
    fn index(&mut self, memory: &MemoryIndex, header: &BatchHeader, interval_bytes: u64) {
        let Tail { size_bytes: position, max_timestamp, .. } = self.tail;
        if position - self.tail.last_index_position > interval_bytes {
            let relative_offset = header.base_offset - self.active.base_offset();
            if let (Ok(relative_offset), Ok(place)) = (u32::try_from(relative_offset), u32::try_from(position)) {
                memory.push(IndexEntry { relative_offset, position: place, max_timestamp_before: max_timestamp });
                self.tail.last_index_position = position;
                self.entries += 1;
            }
        }
        self.tail.end_offset = header.next_offset();
        self.tail.size_bytes = position + header.size_bytes() as u64;
        self.tail.max_timestamp = max_timestamp.max(header.newest_record_ms());
    }
}
