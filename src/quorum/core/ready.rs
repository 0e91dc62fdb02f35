//! Carrying out what raft has ready, in the order that it asks for.

use super::{Core, Fatal, Outputs, SnapshotInFlight, Unpersisted};
use crate::clock::Now;
use crate::quorum::machine::{Position, StateMachine};
use prost::Message as _;
use raft::eraftpb::{ConfChange, ConfChangeV2, Entry, EntryType, Message, MessageType, Snapshot};

impl<M: StateMachine> Core<M> {
    /// Carries out everything that is ready, until nothing is.
    pub(super) fn settle(&mut self, now: Now, out: &mut Outputs<M::Response>) -> Result<(), Fatal> {
        loop {
            self.follow_role(now, out);
            self.propose_pack(out);
            if !self.node.has_ready() {
                break;
            }
            self.carry_out(out)?;
        }
        self.maybe_snapshot(out);
        Ok(())
    }

    fn carry_out(&mut self, out: &mut Outputs<M::Response>) -> Result<(), Fatal> {
        let mut ready = self.node.ready();
        // A leader's messages need not wait for its own disk.
        self.post(ready.take_messages(), out);
        let snapshot = ready.snapshot().clone();
        let snapshot = (!snapshot.is_empty()).then_some(snapshot);
        if let Some(snapshot) = &snapshot {
            self.restore(snapshot)?;
        }
        self.apply(ready.take_committed_entries(), out)?;
        let (entries, hard_state) = (ready.take_entries(), ready.hs().cloned());
        let sync = ready.must_sync();
        if let Some(write) = self.node.mut_store().save(snapshot.as_ref(), entries, hard_state, sync) {
            if write.sync {
                self.last_sync_write = write.number;
            }
            if snapshot.is_some() {
                self.installing = Some(write.number);
            }
            out.writes.push(write);
        }
        self.unpersisted.push_back(Unpersisted {
            number: ready.number(),
            write: self.last_sync_write,
            messages: ready.take_persisted_messages(),
            since_tick: self.ticks,
        });
        self.node.advance_append_async(ready);
        self.acknowledge_persisted(out);
        Ok(())
    }

    fn post(&mut self, messages: Vec<Message>, out: &mut Outputs<M::Response>) {
        for message in &messages {
            if message.get_msg_type() == MessageType::MsgSnapshot {
                self.peers.snapshot_sent(message.to, self.ticks);
            }
        }
        out.messages.extend(messages);
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Fatal> {
        let metadata = snapshot.get_metadata();
        let at = Position { index: metadata.index, term: metadata.term };
        tracing::info!("Restoring the metadata snapshot at index {} of epoch {}", at.index, at.term);
        self.machine.restore(at, snapshot.get_data()).map_err(|error| Fatal::Machine { index: at.index, error })?;
        self.machine.publish();
        self.machine.reset_scratch();
        self.applied = at;
        self.conf_state = metadata.get_conf_state().clone();
        self.bytes_since_snapshot = 0;
        Ok(())
    }

    fn apply(&mut self, entries: Vec<Entry>, out: &mut Outputs<M::Response>) -> Result<(), Fatal> {
        if entries.is_empty() {
            return Ok(());
        }
        let mut answered = Vec::new();
        for entry in entries {
            let at = Position { index: entry.index, term: entry.term };
            debug_assert_eq!(at.index, self.applied.index + 1, "entries are applied in order, each once");
            self.bytes_since_snapshot += entry.data.len() as u64;
            self.apply_entry(at, entry)?;
            self.applied = at;
            answered.extend(self.desk.applied(at));
        }
        self.machine.publish();
        out.answers.extend(answered.into_iter().map(|(ticket, response)| (ticket, Ok(response))));
        Ok(())
    }

    fn apply_entry(&mut self, at: Position, entry: Entry) -> Result<(), Fatal> {
        let machine = |error| Fatal::Machine { index: at.index, error };
        match entry.get_entry_type() {
            EntryType::EntryNormal => {
                let decisions = super::desk::unpack(&entry.data).map_err(machine)?;
                if decisions.is_empty() {
                    return self.machine.apply(at, &[]).map_err(machine);
                }
                decisions.into_iter().try_for_each(|records| self.machine.apply(at, records)).map_err(machine)
            }
            EntryType::EntryConfChange => {
                let change = ConfChange::decode(&*entry.data).map_err(unreadable_change).map_err(machine)?;
                self.conf_state = self.node.apply_conf_change(&change)?;
                self.machine.apply(at, &[]).map_err(machine)
            }
            EntryType::EntryConfChangeV2 => {
                let change = ConfChangeV2::decode(&*entry.data).map_err(unreadable_change).map_err(machine)?;
                self.conf_state = self.node.apply_conf_change(&change)?;
                self.machine.apply(at, &[]).map_err(machine)
            }
        }
    }

    /// Tells raft how far the machine is. Not beyond what is durable: a received snapshot is in the machine before the disk.
    fn advance_applied(&mut self) {
        let log = &self.node.raft.raft_log;
        let applied = self.applied.index.min(log.committed).min(log.persisted);
        if applied > log.applied {
            self.node.advance_apply_to(applied);
        }
    }

    /// Tells raft of every `Ready` whose writes are durable, and sends what waited for that.
    fn acknowledge_persisted(&mut self, out: &mut Outputs<M::Response>) {
        while self.unpersisted.front().is_some_and(|oldest| oldest.write <= self.written) {
            let done = self.unpersisted.pop_front().expect("it has just been seen");
            self.node.on_persist_ready(done.number);
            self.post(done.messages, out);
        }
        if self.installing.is_some_and(|write| write <= self.written) {
            self.installing = None;
        }
        self.advance_applied();
    }

    /// Writes up to `number` are durable.
    pub(super) fn written(&mut self, number: u64, out: &mut Outputs<M::Response>) -> Result<(), Fatal> {
        debug_assert!(number > self.written && number <= self.node.store().last_write());
        self.written = number;
        self.node.mut_store().written(number);
        self.acknowledge_persisted(out);
        if self.snapshot_in_flight.as_ref().is_some_and(|snapshot| snapshot.write <= number) {
            let snapshot = self.snapshot_in_flight.take().expect("it has just been seen");
            let compact_to = snapshot.at.index.saturating_sub(self.settings.retained_entries);
            let store = self.node.mut_store();
            out.writes.extend(store.snapshot_written(snapshot.at, snapshot.conf_state, compact_to)?);
        }
        Ok(())
    }

    /// Makes a snapshot if the log has grown enough since the last one, or if a voter needs a newer one.
    fn maybe_snapshot(&mut self, out: &mut Outputs<M::Response>) {
        if self.snapshot_in_flight.is_some() || self.installing.is_some() {
            return;
        }
        let entries = self.applied.index - self.node.store().snapshot_at().index;
        let wanted = self.node.store().take_snapshot_wanted();
        let due =
            entries >= self.settings.snapshot_entries || self.bytes_since_snapshot >= self.settings.snapshot_bytes;
        if entries == 0 || !(due || wanted) {
            return;
        }
        self.bytes_since_snapshot = 0;
        let (at, conf_state, writer) = (self.applied, self.conf_state.clone(), self.machine.snapshot());
        let write = self.node.mut_store().write_snapshot(at, &conf_state, writer);
        self.snapshot_in_flight = Some(SnapshotInFlight { write: write.number, at, conf_state });
        out.writes.push(write);
    }
}

fn unreadable_change(error: prost::DecodeError) -> crate::quorum::machine::MachineError {
    crate::quorum::machine::MachineError(format!("the change of voters cannot be read: {error}"))
}
