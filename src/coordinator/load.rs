//! Loading a shard from its log, and unloading it.

use super::journal::JournalError;
use super::runtime::Runtime;
use super::slot::{Active, Slot, State};
use crate::record::header::BatchHeader;
use crate::record::records::RecordView;
use crate::shard::{Machine, Origin, TopicsChange};
use std::sync::Arc;

impl<M: Machine> Runtime<M> {
    /// Announces that a partition is led here from `epoch` on: until [`Runtime::load`] is done, its requests hear
    /// that it loads. False if that epoch, or a newer one, is known already.
    pub fn begin_load(&self, partition: i32, epoch: i32) -> bool {
        let mut slots = self.slots.write();
        if let Some(known) = slots.get(&partition) {
            let mut state = known.state.lock();
            if known.epoch >= epoch && !matches!(*state, State::Gone) {
                return false;
            }
            known.end(&mut state);
        }
        slots.insert(partition, Arc::new(Slot::loading(partition, epoch)));
        true
    }

    /// Reads a partition's log and serves. Lets others run between stretches of the log; memory is that of the
    /// shard itself.
    pub async fn load(&self, partition: i32, epoch: i32) -> Result<(), JournalError> {
        self.begin_load(partition, epoch);
        let Some(slot) = self.slot(partition).filter(|slot| slot.epoch == epoch) else { return Ok(()) };
        let read = self.read(&slot).await;
        let mut state = slot.state.lock();
        if !matches!(*state, State::Loading) {
            // Loaded already, or unloaded meanwhile.
            return Ok(());
        }
        match read {
            Ok(active) => {
                let (contents, end_offset) = (active.shard.contents(), active.end_offset);
                *state = State::Active(Box::new(active));
                tracing::info!("Loaded {contents} of {}-{partition} up to offset {end_offset}", M::TOPIC);
                self.deliver_loaded(&slot, &mut state)
            }
            Err(error) => {
                tracing::error!("Failed to load {}-{partition} at epoch {epoch}: {error}", M::TOPIC);
                slot.end(&mut state);
                Err(error)
            }
        }
    }

    /// Stops serving a partition, if it is still at `epoch` or an older one (`None`: whatever its epoch).
    pub fn unload(&self, partition: i32, epoch: Option<i32>) {
        let Some(slot) = self.slot(partition) else { return };
        if epoch.is_some_and(|epoch| epoch < slot.epoch) {
            return;
        }
        let mut state = slot.state.lock();
        if !matches!(*state, State::Gone) {
            tracing::info!("Unloaded {}-{partition} of epoch {}", M::TOPIC, slot.epoch);
            slot.end(&mut state);
        }
    }

    fn deliver_loaded(&self, slot: &Arc<Slot<M>>, state: &mut State<M>) -> Result<(), JournalError> {
        let State::Active(active) = state else { return Ok(()) };
        let image = self.image.lock().clone();
        let first = self.standing().into_iter().chain(M::on_metadata(&image, TopicsChange::ANY));
        for event in first.chain([M::on_loaded()]) {
            if let Err(error) = self.drive(slot, active, event) {
                slot.end(state);
                return Err(error);
            }
        }
        Ok(())
    }

    async fn read(&self, slot: &Slot<M>) -> Result<Active<M>, JournalError> {
        let mut shard = M::new(self.settings.machine.clone());
        let mut from = 0;
        while matches!(*slot.state.lock(), State::Loading) {
            let mut replayed = Ok(());
            let next = self.journal.read(slot.partition, from, &mut |header, record| {
                if replayed.is_ok() {
                    replayed = replay(&mut shard, header, record);
                }
            })?;
            replayed?;
            if next == from {
                break;
            }
            from = next;
            tokio::task::yield_now().await;
        }
        Ok(Active::new(shard, from))
    }
}

/// Replays one record of the log. Kinds of records that this broker does not know are passed over, as in Kafka.
fn replay<M: Machine>(shard: &mut M, header: &BatchHeader, record: &RecordView<'_>) -> Result<(), JournalError> {
    let log_offset = header.base_offset.saturating_add(i64::from(record.offset_delta));
    let corrupt = |what: &dyn std::fmt::Display| JournalError::Corrupt(format!("offset {log_offset}: {what}"));
    let key = record.key.ok_or_else(|| corrupt(&"no key"))?;
    if header.is_control() {
        // Version and type, 16 bits each: 0 aborts, 1 commits.
        match key.get(2..4) {
            Some([0, 0]) => shard.replay_marker(header.producer_id, false),
            Some([0, 1]) => shard.replay_marker(header.producer_id, true),
            _ => {}
        }
        return Ok(());
    }
    if let Some(decoded) = M::decode(key, record.value).map_err(|error| corrupt(&error))? {
        let producer_id = header.is_transactional().then_some(header.producer_id);
        shard.replay(Origin { log_offset, producer_id }, decoded);
    }
    Ok(())
}
