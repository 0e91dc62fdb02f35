//! A consumer group as its records make it, with what follows from them kept beside.

use super::super::Text;
use super::member::{Current, Member, MemberState, LEAVE_EPOCH};
use super::partitions::{Owned, Partitions};
use super::records::{ConsumerRecord, GroupEpoch, ResolvedRegex, TargetEpoch};
use crate::ids::Uuid;
use imbl::OrdMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Where a consumer group stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupState {
    /// No members; offsets may remain.
    Empty,
    /// Its target assignment is of an older epoch.
    Assigning,
    /// Members are on their way to the target assignment.
    Reconciling,
    /// Every member has what it is to have.
    Stable,
}

impl GroupState {
    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Assigning => "Assigning",
            Self::Reconciling => "Reconciling",
            Self::Stable => "Stable",
        }
    }
}

/// One group. A copy shares structure with its original.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConsumerGroup {
    /// Raised whenever a subscription, or the metadata of a topic in it, changes.
    pub epoch: i32,
    /// Of the metadata of all topics that it reads.
    pub metadata_hash: i64,
    /// Kafka before 4.1 left a record behind that is to be deleted.
    pub has_legacy_metadata: bool,
    /// The epoch that the target assignment was computed for; −1 before the first.
    pub target_epoch: i32,
    /// When that was, ms since the epoch; 0 if not known.
    pub target_computed_ms: i64,
    members: OrdMap<Text, Arc<Member>>,
    /// Member id → what it is to have.
    targets: OrdMap<Text, Arc<Partitions>>,
    regexes: OrdMap<Text, Arc<ResolvedRegex>>,
    /// Instance id → member id.
    instances: OrdMap<Text, Text>,
    /// Who holds each partition, be it to read it or to give it up.
    owners: OrdMap<(Uuid, i32), Text>,
    /// Topic → how many members name it.
    named_topics: OrdMap<Text, usize>,
    /// Expression → how many members subscribe by it.
    named_regexes: OrdMap<Text, usize>,
    /// Protocol name → how many members that speak the classic protocol support it.
    classic_protocols: OrdMap<Text, usize>,
    classic_members: usize,
}

impl ConsumerGroup {
    /// A group that nobody has joined yet. Its epoch is 1, as in Kafka: a first member that subscribes to nothing raises
    /// none, and epoch 0 would be that of joining.
    pub fn new() -> Self {
        Self { epoch: 1, target_epoch: -1, ..Self::default() }
    }

    /// Takes in a record. A group without its own record is made by any other, and ends with its own tombstone.
    pub fn replay(group: &mut Option<Box<Self>>, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Epoch(None) => *group = None,
            record if record.is_tombstone() && group.is_none() => {}
            record => group.get_or_insert_with(|| Box::new(Self::new())).apply(record),
        }
    }

    /// Takes in a record, but for the tombstone that ends the group.
    pub fn apply(&mut self, record: ConsumerRecord) {
        match record {
            ConsumerRecord::Epoch(value) => {
                let GroupEpoch { epoch, metadata_hash } = value.unwrap_or(GroupEpoch { epoch: 0, metadata_hash: 0 });
                (self.epoch, self.metadata_hash) = (epoch, metadata_hash);
            }
            ConsumerRecord::LegacyMetadata(value) => self.has_legacy_metadata = value.is_some(),
            ConsumerRecord::Profile { member, value: Some(profile) } => {
                let mut changed = self.member_or_new(&member);
                changed.profile = profile;
                self.put(changed);
            }
            ConsumerRecord::Profile { member, value: None } => self.take(&member),
            ConsumerRecord::TargetEpoch(value) => {
                let TargetEpoch { epoch, computed_ms } = value.unwrap_or(TargetEpoch { epoch: -1, computed_ms: 0 });
                (self.target_epoch, self.target_computed_ms) = (epoch, computed_ms);
            }
            ConsumerRecord::Target { member, value: Some(target) } => drop(self.targets.insert(member, target)),
            ConsumerRecord::Target { member, value: None } => drop(self.targets.remove(&member)),
            ConsumerRecord::Current { member, value: Some(current) } => {
                let mut changed = self.member_or_new(&member);
                changed.current = current;
                self.put(changed);
            }
            ConsumerRecord::Current { member, value: None } => {
                if let Some(known) = self.members.get(&member) {
                    let gone = Current { epoch: LEAVE_EPOCH, previous_epoch: LEAVE_EPOCH, ..Current::default() };
                    let changed = Member { current: gone, ..(**known).clone() };
                    self.put(changed);
                }
            }
            ConsumerRecord::Regex { regex, value: Some(value) } => drop(self.regexes.insert(regex, value)),
            ConsumerRecord::Regex { regex, value: None } => drop(self.regexes.remove(&regex)),
        }
    }

    fn member_or_new(&self, id: &Text) -> Member {
        self.members.get(id).map_or_else(|| Member::new(id.clone()), |member| (**member).clone())
    }

    /// Adds a member, or replaces the one of the same id.
    fn put(&mut self, member: Member) {
        self.take(&member.id.clone());
        for topic in member.profile.topics.iter() {
            count(&mut self.named_topics, topic, true);
        }
        if let Some(regex) = member.profile.regex() {
            count(&mut self.named_regexes, regex, true);
        }
        if let Some(classic) = &member.profile.classic {
            self.classic_members += 1;
            let names: BTreeSet<&Text> = classic.protocols.iter().map(|protocol| &protocol.name).collect();
            names.into_iter().for_each(|name| count(&mut self.classic_protocols, name, true));
        }
        if let Some(instance_id) = &member.profile.instance_id {
            self.instances.insert(instance_id.clone(), member.id.clone());
        }
        for (topic, partition) in held(&member) {
            self.owners.insert((topic, partition), member.id.clone());
        }
        self.members.insert(member.id.clone(), Arc::new(member));
    }

    fn take(&mut self, id: &Text) {
        let Some(member) = self.members.remove(id) else { return };
        for topic in member.profile.topics.iter() {
            count(&mut self.named_topics, topic, false);
        }
        if let Some(regex) = member.profile.regex() {
            count(&mut self.named_regexes, regex, false);
        }
        if let Some(classic) = &member.profile.classic {
            self.classic_members -= 1;
            let names: BTreeSet<&Text> = classic.protocols.iter().map(|protocol| &protocol.name).collect();
            names.into_iter().for_each(|name| count(&mut self.classic_protocols, name, false));
        }
        if let Some(instance_id) = &member.profile.instance_id {
            if self.instances.get(instance_id) == Some(id) {
                self.instances.remove(instance_id);
            }
        }
        for place in held(&member) {
            if self.owners.get(&place) == Some(id) {
                self.owners.remove(&place);
            }
        }
    }
}

/// Reading.
impl ConsumerGroup {
    /// Where it stands.
    pub fn state(&self) -> GroupState {
        if self.members.is_empty() {
            GroupState::Empty
        } else if self.epoch > self.target_epoch {
            GroupState::Assigning
        } else if self.members().all(|member| member.is_reconciled_to(self.target_epoch)) {
            GroupState::Stable
        } else {
            GroupState::Reconciling
        }
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// All members, by id.
    pub fn members(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.members.values()
    }

    /// The member of this id.
    pub fn member(&self, id: &str) -> Option<&Arc<Member>> {
        self.members.get(id)
    }

    /// The member of this instance id.
    pub fn static_member(&self, instance_id: &str) -> Option<&Arc<Member>> {
        self.members.get(self.instances.get(instance_id)?)
    }

    /// What a member is to have.
    pub fn target(&self, member: &str) -> Arc<Partitions> {
        self.targets.get(member).cloned().unwrap_or_default()
    }

    /// Whether nobody holds a partition.
    pub fn is_free(&self, topic: Uuid, partition: i32) -> bool {
        !self.owners.contains_key(&(topic, partition))
    }

    /// What an expression stands for, if it has been resolved.
    pub fn regex(&self, regex: &str) -> Option<&Arc<ResolvedRegex>> {
        self.regexes.get(regex)
    }

    /// All resolved expressions.
    pub fn resolved_regexes(&self) -> impl Iterator<Item = (&Text, &Arc<ResolvedRegex>)> {
        self.regexes.iter()
    }

    /// The expressions that members subscribe by.
    pub fn named_regexes(&self) -> impl ExactSizeIterator<Item = &Text> {
        self.named_regexes.keys()
    }

    /// How many members subscribe by an expression.
    pub fn subscribers_by(&self, regex: &str) -> usize {
        self.named_regexes.get(regex).copied().unwrap_or(0)
    }

    /// Every topic that a member names, or that an expression stands for.
    pub fn subscribed_topics(&self) -> BTreeSet<&Text> {
        let by_regex = self.named_regexes().filter_map(|regex| self.regexes.get(regex));
        self.named_topics.keys().chain(by_regex.flat_map(|resolved| &resolved.topics)).collect()
    }

    /// Whether any member reads a topic.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        self.named_topics.contains_key(topic)
            || self
                .named_regexes()
                .filter_map(|regex| self.regexes.get(regex))
                .any(|found| found.topics.contains(topic))
    }

    /// The topics of one member.
    pub fn topics_of<'a>(&'a self, member: &'a Member) -> BTreeSet<&'a Text> {
        let by_regex = member.profile.regex().and_then(|regex| self.regexes.get(regex));
        member.profile.topics.iter().chain(by_regex.into_iter().flat_map(|resolved| &resolved.topics)).collect()
    }

    /// How many members speak the classic protocol.
    pub fn classic_members(&self) -> usize {
        self.classic_members
    }

    /// Whether a member that speaks the classic protocol, with these protocols, shares one with all others like it.
    pub fn supports_classic<'a>(&self, mut names: impl Iterator<Item = &'a Text>) -> bool {
        names.any(|name| self.classic_protocols.get(name).copied().unwrap_or(0) == self.classic_members)
    }

    /// Whether a member waits for a partition that another still holds.
    pub fn waits_for_others(&self, member: &Member) -> bool {
        let missing = |(topic, partition): (Uuid, i32)| {
            !member.current.assigned.contains(&topic, partition) && !self.is_free(topic, partition)
        };
        member.current.state == MemberState::Unreleased && self.target(&member.id).iter().any(missing)
    }
}

fn held(member: &Member) -> impl Iterator<Item = (Uuid, i32)> + '_ {
    let places = |owned: &Arc<Owned>| owned.partitions().iter().collect::<Vec<_>>();
    places(&member.current.assigned).into_iter().chain(places(&member.current.revoking))
}

fn count(counts: &mut OrdMap<Text, usize>, key: &Text, up: bool) {
    match (counts.get(key).copied().unwrap_or(0), up) {
        (before, true) => drop(counts.insert(key.clone(), before + 1)),
        (0 | 1, false) => drop(counts.remove(key)),
        (before, false) => drop(counts.insert(key.clone(), before - 1)),
    }
}
