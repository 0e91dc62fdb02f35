//! A classic group's live state, and how it follows from what is stored.

use super::super::error::GroupError;
use super::super::records::{StoredGroup, StoredMember};
use super::super::request::Protocol;
use super::super::Text;
use super::members::{Member, Members};
use crate::record::internal::consumer_protocol::Subscription;
use bytes::Bytes;
use imbl::OrdSet;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The protocol type whose metadata the broker reads: to know which topics a group is subscribed to.
pub const CONSUMER_PROTOCOL_TYPE: &str = "consumer";

/// Where a classic group stands. Kafka's `Dead` is no state here: an unloaded shard has no groups, and a deleted group
/// is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No members; offsets may remain.
    Empty,
    /// Members are joining.
    PreparingRebalance,
    /// All have joined; the leader's assignment is awaited.
    CompletingRebalance,
    /// Every member has, or can get, its assignment.
    Stable,
}

impl State {
    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::PreparingRebalance => "PreparingRebalance",
            Self::CompletingRebalance => "CompletingRebalance",
            Self::Stable => "Stable",
        }
    }

    fn may_follow(self, before: Self) -> bool {
        match self {
            Self::Empty => before == Self::PreparingRebalance,
            Self::PreparingRebalance => matches!(before, Self::Stable | Self::CompletingRebalance | Self::Empty),
            Self::CompletingRebalance => before == Self::PreparingRebalance,
            Self::Stable => before == Self::CompletingRebalance,
        }
    }
}

/// The join phase of a group that was empty: it waits a while for more members (KIP-134).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InitialJoin {
    /// The delay now running, ms.
    pub delay_ms: i32,
    /// What may be added when it ends, ms.
    pub remaining_ms: i32,
    /// A member joined while it ran.
    pub new_member_added: bool,
}

/// One group. A copy shares structure with its original.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassicGroup {
    /// Its id.
    pub id: Text,
    /// Where it stands.
    pub state: State,
    /// Set while in the join phase that followed `Empty`.
    pub initial_join: Option<InitialJoin>,
    /// When it came to its state, ms since the epoch; unknown in records of old.
    pub state_since_ms: Option<i64>,
    /// `consumer`, `connect`, …; none for groups that only hold offsets.
    pub protocol_type: Option<Text>,
    /// The protocol chosen for this generation.
    pub protocol_name: Option<Text>,
    /// The present generation.
    pub generation: i32,
    /// The member that assigns.
    pub leader: Option<Text>,
    /// Its members.
    pub members: Members,
    /// Ids given out and not yet used (KIP-394).
    pub pending_joins: OrdSet<Text>,
    /// Members that have not asked for their assignment in this generation.
    pub pending_syncs: OrdSet<Text>,
    /// The topics that it reads, if that is known.
    pub subscribed: Option<Arc<BTreeSet<Text>>>,
}

impl ClassicGroup {
    /// A group that nobody has joined yet.
    pub fn new(id: Text, wall_ms: i64) -> Self {
        Self::from_stored(id, &StoredGroup::empty(Some(wall_ms)))
    }

    /// What a load makes of a stored group: stable if it has members, empty if not.
    pub fn from_stored(id: Text, stored: &StoredGroup) -> Self {
        let mut members = Members::default();
        for member in stored.members.iter() {
            let metadata = member.subscription.clone();
            let name = stored.protocol_name.clone().unwrap_or_else(|| "".into());
            members.put(Member {
                id: member.id.clone(),
                instance_id: member.instance_id.clone(),
                client_id: member.client_id.clone(),
                client_host: member.client_host.clone(),
                rebalance_timeout_ms: member.rebalance_timeout_ms,
                session_timeout_ms: member.session_timeout_ms,
                protocols: [Protocol { name, metadata }].into(),
                assignment: member.assignment.clone(),
                awaiting_join: None,
                awaiting_sync: None,
                is_new: false,
            });
        }
        let mut group = Self {
            id,
            state: if members.is_empty() { State::Empty } else { State::Stable },
            initial_join: None,
            state_since_ms: stored.state_since_ms,
            protocol_type: stored.protocol_type.clone(),
            protocol_name: stored.protocol_name.clone(),
            generation: stored.generation,
            leader: stored.leader.clone(),
            members,
            pending_joins: OrdSet::new(),
            pending_syncs: OrdSet::new(),
            subscribed: None,
        };
        group.subscribed = group.compute_subscribed();
        group
    }

    /// What the log shall say of the group, now that it is stable or empty.
    pub fn to_stored(&self) -> StoredGroup {
        let protocol = self.protocol_name.as_deref().unwrap_or_default();
        let members = self.members.iter().map(|m| StoredMember {
            id: m.id.clone(),
            instance_id: m.instance_id.clone(),
            client_id: m.client_id.clone(),
            client_host: m.client_host.clone(),
            rebalance_timeout_ms: m.rebalance_timeout_ms,
            session_timeout_ms: m.session_timeout_ms,
            subscription: m.metadata(protocol),
            assignment: m.assignment.clone(),
        });
        StoredGroup {
            protocol_type: self.protocol_type.clone(),
            protocol_name: self.protocol_name.clone(),
            generation: self.generation,
            leader: self.leader.clone(),
            state_since_ms: self.state_since_ms,
            members: members.collect(),
        }
    }

    /// Goes to another state.
    pub fn transition(&mut self, to: State, wall_ms: i64) {
        debug_assert!(to.may_follow(self.state), "{} goes from {:?} to {to:?}", self.id, self.state);
        self.state = to;
        self.state_since_ms = Some(wall_ms);
        if to != State::PreparingRebalance {
            self.initial_join = None;
        }
    }

    /// Makes a group whose members are all there stable, without a join phase: what it is when it was of the other
    /// protocol until now.
    pub fn settle(&mut self) {
        self.state = State::Stable;
        self.protocol_name = self.members.select_protocol();
        self.subscribed = self.compute_subscribed();
    }

    /// Whether `member_id` leads.
    pub fn is_leader(&self, member_id: &str) -> bool {
        self.leader.as_deref() == Some(member_id)
    }

    /// Whether nobody is missing from the join phase.
    pub fn has_all_members_joined(&self) -> bool {
        self.members.awaiting_join() == self.members.len() && self.pending_joins.is_empty()
    }

    /// Whether its protocol type says that members speak the consumer protocol.
    pub fn is_consumer_protocol(&self) -> bool {
        self.protocol_type.as_deref() == Some(CONSUMER_PROTOCOL_TYPE)
    }

    /// Whether it reads a topic; if its subscriptions cannot be read it is taken to.
    pub fn is_subscribed_to(&self, topic: &str) -> bool {
        match &self.subscribed {
            Some(topics) => topics.contains(topic),
            None => self.is_consumer_protocol(),
        }
    }

    /// Whether a member of this protocol type, with these protocols, fits in.
    pub fn supports(&self, protocol_type: &str, protocols: &[Protocol]) -> bool {
        if self.state == State::Empty {
            return !protocol_type.is_empty() && !protocols.is_empty();
        }
        self.protocol_type.as_deref() == Some(protocol_type)
            && protocols.iter().any(|p| self.members.supporting(&p.name) == self.members.len())
    }

    /// Checks that a request comes from a member, and from the present holder of its instance id.
    pub fn validate_member(&self, member_id: &str, instance_id: Option<&Text>) -> Result<(), GroupError> {
        if let Some(instance_id) = instance_id {
            match self.members.id_of_instance(instance_id) {
                None => return Err(GroupError::UnknownMemberId),
                Some(holder) if **holder != *member_id => return Err(GroupError::FencedInstanceId),
                Some(_) => {}
            }
        }
        if self.members.contains(member_id) {
            Ok(())
        } else {
            Err(GroupError::UnknownMemberId)
        }
    }

    /// Adds a member; the first one brings the protocol type and leads.
    pub fn add(&mut self, member: Member, protocol_type: &Text) {
        if self.members.is_empty() {
            self.protocol_type = Some(protocol_type.clone());
        }
        self.leader.get_or_insert_with(|| member.id.clone());
        self.pending_joins.remove(&member.id);
        self.members.put(member);
    }

    /// Removes a member or pending member; if it led, another leads.
    pub fn remove(&mut self, member_id: &str) -> Option<Member> {
        let member = self.members.remove(member_id);
        if self.is_leader(member_id) {
            self.leader = self.members.iter().next().map(|m| m.id.clone());
        }
        self.pending_joins.remove(member_id);
        self.pending_syncs.remove(member_id);
        member
    }

    /// The topics that its members name; none if it does not speak the consumer protocol or they cannot be read.
    pub fn compute_subscribed(&self) -> Option<Arc<BTreeSet<Text>>> {
        if !self.is_consumer_protocol() {
            return None;
        }
        if self.members.is_empty() {
            return Some(Arc::default());
        }
        let protocol = self.protocol_name.as_deref()?;
        let mut topics = BTreeSet::new();
        for member in self.members.iter() {
            topics.extend(subscribed_topics(&member.metadata(protocol))?);
        }
        Some(Arc::new(topics))
    }
}

/// The topics of one member's metadata; none if it cannot be read.
fn subscribed_topics(metadata: &Bytes) -> Option<Vec<Text>> {
    let subscription = Subscription::decode(metadata).ok()?;
    Some(subscription.topics.into_iter().map(Text::from).collect())
}
