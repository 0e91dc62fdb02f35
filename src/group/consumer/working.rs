//! A group in the making: each record is taken in as it is written, by the same code that a restart replays it with.

use super::super::records::Record;
use super::super::shard::Turn;
use super::super::Text;
use super::records::ConsumerRecord;
use super::state::ConsumerGroup;

/// A copy of a group that the records of this turn change.
pub(in super::super) struct Draft {
    /// The group's id.
    pub id: Text,
    /// What it is by now.
    pub group: ConsumerGroup,
}

impl Turn<'_> {
    /// Writes a record and takes it in.
    pub(super) fn write(&mut self, draft: &mut Draft, record: ConsumerRecord) {
        debug_assert!(record != ConsumerRecord::Epoch(None), "a group that ends is no draft");
        self.out.records.push(Record::Consumer { group: draft.id.clone(), record: record.clone() });
        draft.group.apply(record);
    }

    /// Tombstones for a group with all of its members; its offsets stay. Members' and the group's own come last, so that
    /// a log cut short between them still knows what is left.
    pub(in super::super) fn bury_consumer_group(&mut self, id: &Text, group: &ConsumerGroup) {
        let members = || group.members().map(|member| member.id.clone());
        let mut records: Vec<ConsumerRecord> = Vec::new();
        records.extend(members().map(|member| ConsumerRecord::Current { member, value: None }));
        records.extend(members().map(|member| ConsumerRecord::Target { member, value: None }));
        records.push(ConsumerRecord::TargetEpoch(None));
        records.extend(members().map(|member| ConsumerRecord::Profile { member, value: None }));
        let regexes = group.resolved_regexes().map(|(regex, _)| regex.clone());
        records.extend(regexes.map(|regex| ConsumerRecord::Regex { regex, value: None }));
        if group.has_legacy_metadata {
            records.push(ConsumerRecord::LegacyMetadata(None));
        }
        records.push(ConsumerRecord::Epoch(None));
        self.out.records.extend(records.into_iter().map(|record| Record::Consumer { group: id.clone(), record }));
    }
}
