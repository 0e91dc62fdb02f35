//! The members of a classic group, with the counts that its rules need kept beside them.

use super::super::request::Protocol;
use super::super::Caller;
use super::super::Text;
use bytes::Bytes;
use imbl::OrdMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Made by the coordinator.
    pub id: Text,
    /// Set for static members.
    pub instance_id: Option<Text>,
    /// The client id of its first join.
    pub client_id: Text,
    /// Its address as Java prints it.
    pub client_host: Text,
    /// How long the group waits for it to rejoin, ms.
    pub rebalance_timeout_ms: i32,
    /// How long it may be silent, ms.
    pub session_timeout_ms: i32,
    /// What it supports, in order of preference. After a load only the chosen protocol is known.
    pub protocols: Arc<[Protocol]>,
    /// What the leader gave it.
    pub assignment: Bytes,
    /// Who waits for the answer to its JoinGroup.
    pub awaiting_join: Option<Caller>,
    /// Who waits for the answer to its SyncGroup.
    pub awaiting_sync: Option<Caller>,
    /// It has not yet come through a join phase: its session runs even while it waits.
    pub is_new: bool,
}

impl Member {
    /// Its metadata for a protocol; empty if it does not support it.
    pub fn metadata(&self, protocol: &str) -> Bytes {
        self.protocols.iter().find(|p| &*p.name == protocol).map(|p| p.metadata.clone()).unwrap_or_default()
    }

    /// Whether silence is no reason to drop it.
    pub fn has_satisfied_heartbeat(&self) -> bool {
        !self.is_new && (self.awaiting_join.is_some() || self.awaiting_sync.is_some())
    }

    /// Each protocol name once: the wire may repeat one.
    fn protocol_names(&self) -> BTreeSet<&Text> {
        self.protocols.iter().map(|p| &p.name).collect()
    }
}

/// What protocols take up, bytes.
pub fn metadata_bytes(protocols: &[Protocol]) -> usize {
    protocols.iter().map(|p| p.name.len() + p.metadata.len()).sum()
}

/// The members of one group. Copies share structure.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    by_id: OrdMap<Text, Arc<Member>>,
    /// Instance id → member id.
    by_instance: OrdMap<Text, Text>,
    /// Protocol name → how many members support it.
    supported: OrdMap<Text, usize>,
    /// How many members wait for a join answer.
    awaiting_join: usize,
    /// Bytes of all protocols of all members.
    metadata_bytes: usize,
}

impl Members {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The member of this id.
    pub fn get(&self, id: &str) -> Option<&Member> {
        self.by_id.get(id).map(Arc::as_ref)
    }

    /// Whether there is one of this id.
    pub fn contains(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// All, by id.
    pub fn iter(&self) -> impl Iterator<Item = &Member> {
        self.by_id.values().map(Arc::as_ref)
    }

    /// All ids, for a loop that changes members.
    pub fn ids(&self) -> Vec<Text> {
        self.by_id.keys().cloned().collect()
    }

    /// The id of the member with this instance id.
    pub fn id_of_instance(&self, instance_id: &str) -> Option<&Text> {
        self.by_instance.get(instance_id)
    }

    /// How many members wait for a join answer.
    pub fn awaiting_join(&self) -> usize {
        self.awaiting_join
    }

    /// The greatest rebalance timeout, ms; 0 if there is no member.
    pub fn rebalance_timeout_ms(&self) -> i32 {
        self.iter().map(|m| m.rebalance_timeout_ms).fold(0, i32::max)
    }

    /// Bytes of all protocols of all members.
    pub fn metadata_bytes(&self) -> usize {
        self.metadata_bytes
    }

    /// How many members support a protocol.
    pub fn supporting(&self, protocol: &str) -> usize {
        self.supported.get(protocol).copied().unwrap_or(0)
    }

    /// Adds a member whose id and instance id are new here, or replaces the one of the same id.
    pub fn put(&mut self, member: Member) {
        self.remove(&member.id.clone());
        for name in member.protocol_names() {
            let count = self.supporting(name);
            self.supported.insert(name.clone(), count + 1);
        }
        self.awaiting_join += usize::from(member.awaiting_join.is_some());
        self.metadata_bytes += metadata_bytes(&member.protocols);
        if let Some(instance_id) = &member.instance_id {
            let before = self.by_instance.insert(instance_id.clone(), member.id.clone());
            debug_assert!(before.is_none(), "an instance id stands for one member");
        }
        self.by_id.insert(member.id.clone(), Arc::new(member));
    }

    /// Removes a member.
    pub fn remove(&mut self, id: &str) -> Option<Member> {
        let member = Arc::unwrap_or_clone(self.by_id.remove(id)?);
        for name in member.protocol_names() {
            match self.supporting(name) {
                0 | 1 => self.supported.remove(name),
                count => self.supported.insert(name.clone(), count - 1),
            };
        }
        self.awaiting_join -= usize::from(member.awaiting_join.is_some());
        self.metadata_bytes -= metadata_bytes(&member.protocols);
        if let Some(instance_id) = &member.instance_id {
            self.by_instance.remove(instance_id);
        }
        Some(member)
    }

    /// Changes a member's waiting and assignment; its ids and protocols stay.
    pub fn edit(&mut self, id: &str, change: impl FnOnce(&mut Member)) {
        let Some(member) = self.by_id.get_mut(id) else { return };
        let member = Arc::make_mut(member);
        self.awaiting_join -= usize::from(member.awaiting_join.is_some());
        change(member);
        self.awaiting_join += usize::from(member.awaiting_join.is_some());
    }

    /// The protocols that every member supports.
    fn candidates(&self) -> BTreeSet<&Text> {
        self.supported.iter().filter(|(_, count)| **count == self.len()).map(|(name, _)| name).collect()
    }

    /// The protocol with the most votes among those that all support; each member votes for the first it prefers.
    /// Kafka leaves ties to the order of a hash map; here the first by name wins.
    pub fn select_protocol(&self) -> Option<Text> {
        let candidates = self.candidates();
        let mut votes: std::collections::BTreeMap<&Text, usize> = Default::default();
        for member in self.iter() {
            if let Some(choice) = member.protocols.iter().find(|p| candidates.contains(&p.name)) {
                *votes.entry(&choice.name).or_default() += 1;
            }
        }
        let most = votes.values().copied().max()?;
        votes.into_iter().find(|(_, count)| *count == most).map(|(name, _)| name.clone())
    }
}
