//! What a log remembers of its producers: the last five batches of each, its epoch, its open transaction.
//!
//! A batch is first [checked](ProducerState::check) against an [`Update`], then written, then the update is
//! [committed](ProducerState::commit): a write that fails leaves no trace. Followers and recovery commit without checks.

use super::error::AppendRefused;
use super::keys::AbortedTransaction;
use super::verification::{ToVerify, Verification, Verifications};
use crate::record::header::BatchHeader;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};

/// Batches remembered per producer: as many as an idempotent producer may have in flight.
pub const WINDOW_BATCHES: usize = 5;
/// No epoch is known.
pub const NO_EPOCH: i16 = -1;

/// A batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchMark {
    /// First sequence.
    pub first_sequence: i32,
    /// Last sequence, wrapped.
    pub last_sequence: i32,
    /// First offset.
    pub first_offset: i64,
    /// Last offset.
    pub last_offset: i64,
    /// Largest timestamp in ms.
    pub timestamp: i64,
}

/// What is known of one producer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// Newest epoch.
    pub epoch: i16,
    /// Newest epoch of a transaction coordinator that wrote a marker; -1 before the first.
    pub coordinator_epoch: i32,
    /// Timestamp of the last batch or marker in ms.
    pub last_timestamp: i64,
    /// First offset of the open transaction.
    pub transaction_start: Option<i64>,
    /// The last batches of `epoch`, oldest first, at most [`WINDOW_BATCHES`].
    pub window: SmallVec<[BatchMark; WINDOW_BATCHES]>,
}

impl Producer {
    fn unknown() -> Self {
        Self {
            epoch: NO_EPOCH,
            coordinator_epoch: -1,
            last_timestamp: -1,
            transaction_start: None,
            window: SmallVec::new(),
        }
    }

    /// The remembered batch that `header` repeats, if it does (I1).
    fn duplicate(&self, header: &BatchHeader) -> Option<BatchMark> {
        if header.producer_epoch != self.epoch {
            return None;
        }
        let same = |mark: &&BatchMark| {
            mark.first_sequence == header.base_sequence && mark.last_sequence == header.last_sequence()
        };
        self.window.iter().find(same).copied()
    }

    /// Whether a transaction of this epoch is open here.
    fn is_open(&self, epoch: i16) -> bool {
        self.transaction_start.is_some() && self.epoch == epoch
    }

    fn judge_epoch(&self, header: &BatchHeader) -> Result<(), AppendRefused> {
        let (producer_id, found, current) = (header.producer_id, header.producer_epoch, self.epoch);
        let stale = found < current;
        (!stale).then_some(()).ok_or(AppendRefused::InvalidProducerEpoch { producer_id, found, current })
    }

    /// Judges the epochs of a marker (X10). Where epochs grow with every transaction, a marker's is greater than what it
    /// ends; the same again is a marker that was written already (KAFKA-19999), or of a producer whose epochs are used up.
    fn judge_marker(
        &self,
        header: &BatchHeader,
        marker: EndMarker,
        transaction_version: i16,
    ) -> Result<(), AppendRefused> {
        let (producer_id, found, current) = (header.producer_id, header.producer_epoch, self.epoch);
        self.judge_epoch(header)?;
        let repeats = self.transaction_start.is_none() || found == i16::MAX;
        if transaction_version >= 2 && found == current && !repeats {
            return Err(AppendRefused::InvalidProducerEpoch { producer_id, found, current });
        }
        if marker.coordinator_epoch < self.coordinator_epoch {
            let (found, current) = (marker.coordinator_epoch, self.coordinator_epoch);
            return Err(AppendRefused::CoordinatorFenced { producer_id, found, current });
        }
        Ok(())
    }

    /// Judges epoch, sequence and transaction of a batch that would get `offset`.
    fn judge(&self, header: &BatchHeader, offset: i64, verify_sequence: bool) -> Result<(), AppendRefused> {
        let producer_id = header.producer_id;
        self.judge_epoch(header)?;
        if verify_sequence && self.epoch != NO_EPOCH {
            let expected = match self.window.last() {
                Some(last) if header.producer_epoch == self.epoch => next_sequence(last.last_sequence),
                _ => 0,
            };
            if header.base_sequence != expected {
                let found = header.base_sequence;
                return Err(AppendRefused::OutOfOrderSequence { producer_id, found, expected, offset });
            }
        }
        if self.transaction_start.is_some() && !header.is_transactional() {
            return Err(AppendRefused::InvalidTxnState { producer_id });
        }
        Ok(())
    }

    /// Takes over a batch of records at `base_offset`.
    fn apply(&mut self, header: &BatchHeader, base_offset: i64) {
        self.meet_epoch(header.producer_epoch);
        if self.window.len() == WINDOW_BATCHES {
            self.window.remove(0);
        }
        self.window.push(BatchMark {
            first_sequence: header.base_sequence,
            last_sequence: header.last_sequence(),
            first_offset: base_offset,
            last_offset: base_offset.wrapping_add(i64::from(header.last_offset_delta)),
            timestamp: header.max_timestamp,
        });
        self.last_timestamp = header.max_timestamp;
        if header.is_transactional() && self.transaction_start.is_none() {
            self.transaction_start = Some(base_offset);
        }
    }

    fn meet_epoch(&mut self, epoch: i16) {
        if self.epoch != epoch {
            self.epoch = epoch;
            self.window.clear();
        }
    }
}

/// The sequence after `sequence`: 0 follows 2147483647 (I2).
pub fn next_sequence(sequence: i32) -> i32 {
    sequence.checked_add(1).unwrap_or(0)
}

/// A marker that ends a transaction, as its control record tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EndMarker {
    /// Committed, not aborted.
    pub commit: bool,
    /// Epoch of the coordinator that wrote it.
    pub coordinator_epoch: i32,
}

impl EndMarker {
    /// Reads the control record in a control batch: key (version i16, type i16), value (version i16, coordinator epoch
    /// i32). `None` for other control records.
    pub fn parse(key: &[u8], value: &[u8]) -> Option<Self> {
        let kind = i16::from_be_bytes(*key.get(2..)?.first_chunk()?);
        let coordinator_epoch = i32::from_be_bytes(*value.get(2..)?.first_chunk()?);
        match kind {
            0 => Some(Self { commit: false, coordinator_epoch }),
            1 => Some(Self { commit: true, coordinator_epoch }),
            _ => None,
        }
    }
}

/// Where a batch comes from, and so what is asked of its producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AppendOrigin {
    /// A client: sequences count, and a transaction begins here only by a verification that holds.
    Client(Option<Verification>),
    /// A coordinator of this node: the same, without sequences.
    Coordinator(Option<Verification>),
    /// A transaction coordinator that ends a transaction under this `transaction.version`.
    Marker {
        /// The level; 2 and above: epochs grow with every transaction.
        transaction_version: i16,
    },
}

/// What [`ProducerState::check`] says of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// To be appended.
    Append,
    /// Appended before, there.
    Duplicate(BatchMark),
}

/// Producers as they will be once the batches of a group are written.
#[derive(Default)]
pub struct Update {
    producers: SmallVec<[(i64, Producer); 1]>,
    aborted: Vec<AbortedTransaction>,
    completed: SmallVec<[(i64, i64); 1]>,
    /// Producers whose transaction begins or ends: their verifications are void.
    settled: SmallVec<[i64; 1]>,
}

impl Update {
    fn producer<'a>(&'a self, state: &'a ProducerState, producer_id: i64) -> Option<&'a Producer> {
        let pending = self.producers.iter().rev().find(|(id, _)| *id == producer_id).map(|(_, producer)| producer);
        pending.or_else(|| state.producers.get(&producer_id))
    }

    fn producer_mut(&mut self, state: &ProducerState, producer_id: i64) -> &mut Producer {
        let at = self.producers.iter().position(|(id, _)| *id == producer_id).unwrap_or_else(|| {
            let known = state.producers.get(&producer_id).cloned().unwrap_or_else(Producer::unknown);
            self.producers.push((producer_id, known));
            self.producers.len() - 1
        });
        &mut self.producers[at].1
    }

    /// Transactions that the group aborts.
    pub fn aborted(&self) -> &[AbortedTransaction] {
        &self.aborted
    }

    /// Whether the group has no batch of a producer with an id.
    pub fn is_empty(&self) -> bool {
        self.producers.is_empty()
    }
}

/// The producers of one log, up to an offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProducerState {
    producers: BTreeMap<i64, Producer>,
    /// Open transactions: first offset and producer.
    open: BTreeSet<(i64, i64)>,
    /// Ended transactions whose marker may not be replicated yet: first offset and marker's offset.
    unreplicated: BTreeMap<i64, i64>,
    /// Transactions that may begin here once their coordinator has said so.
    verifications: Verifications,
    /// Everything below this offset is taken into account.
    applied_to: i64,
}

impl ProducerState {
    /// The state before `offset` of a log without producers.
    pub fn at(offset: i64) -> Self {
        Self { applied_to: offset, ..Self::default() }
    }

    /// Puts a state together from a snapshot's producers.
    pub(super) fn restored(offset: i64, producers: BTreeMap<i64, Producer>) -> Self {
        let start = |(id, producer): (&i64, &Producer)| producer.transaction_start.map(|first| (first, *id));
        let open = producers.iter().filter_map(start).collect();
        Self { producers, open, applied_to: offset, ..Self::default() }
    }

    /// Everything below this offset is taken into account.
    pub fn applied_to(&self) -> i64 {
        self.applied_to
    }

    /// The same state, with everything below `offset` taken into account: what came since had no producer.
    pub(super) fn caught_up(mut self, offset: i64) -> Self {
        self.applied_to = self.applied_to.max(offset);
        self
    }

    /// The producers by id.
    pub fn producers(&self) -> &BTreeMap<i64, Producer> {
        &self.producers
    }

    /// Begins to verify that the producer's transaction is open: the batch that begins it here needs the verification to
    /// hold. `None` if it is open here already.
    pub(super) fn begin_verification(
        &mut self,
        fresh: Verification,
        batch: &ToVerify,
        now_ms: i64,
        most: usize,
    ) -> Option<Verification> {
        let known = self.producers.get(&batch.producer_id);
        if known.is_some_and(|producer| producer.is_open(batch.producer_epoch)) {
            return None;
        }
        Some(self.verifications.begin(fresh, batch, now_ms, most))
    }

    /// Judges a batch that would get `base_offset`, after those already in `update`, in Kafka's order (I1–I4, X6, X11).
    pub fn check(
        &self,
        update: &Update,
        header: &BatchHeader,
        base_offset: i64,
        origin: AppendOrigin,
    ) -> Result<Verdict, AppendRefused> {
        let known = update.producer(self, header.producer_id);
        let verify_sequence = matches!(origin, AppendOrigin::Client(_)) && !header.is_control();
        if let Some(mark) = known.filter(|_| verify_sequence).and_then(|producer| producer.duplicate(header)) {
            return Ok(Verdict::Duplicate(mark));
        }
        if header.is_transactional() {
            self.check_verified(update, known, header, origin)?;
        }
        known.map_or(Ok(()), |producer| producer.judge_epoch(header))?;
        if verify_sequence && !update.settled.contains(&header.producer_id) {
            let (producer_id, found) = (header.producer_id, header.base_sequence);
            let has_window = known.is_some_and(|producer| !producer.window.is_empty());
            if let Some(expected) = self.verifications.expected_instead_of(producer_id, found, has_window) {
                return Err(AppendRefused::OutOfOrderSequence { producer_id, found, expected, offset: base_offset });
            }
        }
        let judged = known.map_or(Ok(()), |producer| producer.judge(header, base_offset, verify_sequence));
        judged.map(|()| Verdict::Append)
    }

    /// X6: a transaction that is not open here begins only with a verification that no marker has voided.
    fn check_verified(
        &self,
        update: &Update,
        known: Option<&Producer>,
        header: &BatchHeader,
        origin: AppendOrigin,
    ) -> Result<(), AppendRefused> {
        let producer_id = header.producer_id;
        let (AppendOrigin::Client(verification) | AppendOrigin::Coordinator(verification)) = origin else {
            return Ok(());
        };
        let holds = || !update.settled.contains(&producer_id) && self.verifications.holds(producer_id, verification);
        if header.is_control() || known.is_some_and(|producer| producer.is_open(header.producer_epoch)) || holds() {
            return Ok(());
        }
        Err(AppendRefused::NotVerified { producer_id })
    }

    /// Judges a marker (X10).
    pub fn check_marker(
        &self,
        update: &Update,
        header: &BatchHeader,
        marker: EndMarker,
        transaction_version: i16,
    ) -> Result<(), AppendRefused> {
        let known = update.producer(self, header.producer_id);
        known.map_or(Ok(()), |producer| producer.judge_marker(header, marker, transaction_version))
    }

    /// Adds a batch at `base_offset` to `update`; `marker` is what a control batch holds.
    pub fn add(&self, update: &mut Update, header: &BatchHeader, base_offset: i64, marker: Option<EndMarker>) {
        if !header.has_producer_id() {
            return;
        }
        if header.is_transactional() {
            update.settled.push(header.producer_id);
        }
        if !header.is_control() {
            update.producer_mut(self, header.producer_id).apply(header, base_offset);
            return;
        }
        let Some(marker) = marker else { return };
        let producer = update.producer_mut(self, header.producer_id);
        producer.meet_epoch(header.producer_epoch);
        producer.coordinator_epoch = producer.coordinator_epoch.max(marker.coordinator_epoch);
        producer.last_timestamp = header.max_timestamp;
        let Some(first_offset) = producer.transaction_start.take() else { return };
        update.completed.push((first_offset, base_offset));
        if !marker.commit {
            let last_stable_offset = self.stable_after(update, first_offset, base_offset);
            update.aborted.push(AbortedTransaction {
                producer_id: header.producer_id,
                first_offset,
                last_offset: base_offset,
                last_stable_offset,
            });
        }
    }

    /// First offset of the transactions that stay open when the one from `first_offset` ends at `marker_offset`.
    fn stable_after(&self, update: &Update, first_offset: i64, marker_offset: i64) -> i64 {
        let ended = |first: i64| first == first_offset || update.completed.iter().any(|(start, _)| *start == first);
        let open = self.open.iter().map(|(first, _)| *first).find(|first| !ended(*first));
        let pending = update.producers.iter().filter_map(|(_, producer)| producer.transaction_start).min();
        open.into_iter().chain(pending).min().unwrap_or(marker_offset + 1)
    }

    /// Takes over `update`; everything below `end_offset` is then taken into account.
    pub fn commit(&mut self, update: Update, end_offset: i64) {
        for producer_id in update.settled {
            self.verifications.settle(producer_id);
        }
        for (first_offset, marker_offset) in update.completed {
            self.unreplicated.insert(first_offset, marker_offset);
        }
        for (producer_id, producer) in update.producers {
            if let Some(before) = self.producers.get(&producer_id).and_then(|known| known.transaction_start) {
                self.open.remove(&(before, producer_id));
            }
            if let Some(first_offset) = producer.transaction_start {
                self.open.insert((first_offset, producer_id));
            }
            self.producers.insert(producer_id, producer);
        }
        self.applied_to = end_offset;
    }

    /// Takes over one batch that is in the log already. Returns the transaction that it aborts.
    pub fn replay(&mut self, header: &BatchHeader, marker: Option<EndMarker>) -> Option<AbortedTransaction> {
        let mut update = Update::default();
        self.add(&mut update, header, header.base_offset, marker);
        let aborted = update.aborted.pop();
        self.commit(update, header.next_offset());
        aborted
    }

    /// First offset of a transaction that is open, or ended with a marker that may not be replicated (X12).
    pub fn first_unstable_offset(&self) -> Option<i64> {
        let open = self.open.first().map(|(first, _)| *first);
        let unreplicated = self.unreplicated.first_key_value().map(|(first, _)| *first);
        open.into_iter().chain(unreplicated).min()
    }

    /// Forgets the ended transactions whose markers lie below the high watermark.
    pub fn replicated_to(&mut self, high_watermark: i64) {
        self.unreplicated.retain(|_, marker| *marker >= high_watermark);
    }

    /// Forgets producers idle for longer than `expiration_ms`, those with an open transaction excepted (I5).
    pub fn expire(&mut self, now_ms: i64, expiration_ms: i64) {
        self.producers.retain(|_, producer| {
            producer.transaction_start.is_some() || now_ms.saturating_sub(producer.last_timestamp) < expiration_ms
        });
        self.verifications.expire(now_ms, expiration_ms);
    }

    /// Forgets the producers idle longest if there are more than `most`: a sixteenth beyond, so that a full table is
    /// not searched for every new producer.
    pub fn bound(&mut self, most: usize) {
        if self.producers.len() <= most {
            return;
        }
        let idle = self.producers.iter().filter(|(_, producer)| producer.transaction_start.is_none());
        let mut ages: Vec<(i64, i64)> = idle.map(|(id, producer)| (producer.last_timestamp, *id)).collect();
        let excess = (self.producers.len() - most + most / 16).min(ages.len());
        ages.sort_unstable();
        for (_, id) in &ages[..excess] {
            self.producers.remove(id);
        }
    }
}
