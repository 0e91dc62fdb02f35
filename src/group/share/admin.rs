//! Describing share groups, and keeping note of which partitions the share coordinator knows them for.

use super::super::consumer::Refusal;
use super::super::error::GroupError;
use super::super::shard::{Shard, Turn};
use super::super::{Caller, Reply, Text};
use super::heartbeat::{by_topic, Draft};
use super::records::{GroupEpoch, NamedPartitions, ShareRecord};
use super::request::*;
use super::state::{Member, ShareGroup};
use crate::ids::Uuid;

impl Shard {
    fn known_share_group(&self, id: &Text) -> Result<&ShareGroup, Refusal> {
        let entry = self.groups.get(id);
        match entry.and_then(|entry| entry.share.as_deref()) {
            Some(group) => Ok(group),
            None if entry.is_some() => Err(Refusal::not_found(format!("Group {id} is not a share group."))),
            None => Err(Refusal::not_found(format!("Group {id} not found."))),
        }
    }

    /// A group as it now is.
    pub(in super::super) fn describe_share_group(&self, request: &ShareGroupDescribe) -> Reply {
        let described = self.known_share_group(&request.group_id).map(|group| DescribedShareGroup {
            state: group.state_name(),
            group_epoch: group.epoch.epoch,
            assignment_epoch: group.target_epoch,
            members: group.members.iter().map(|(id, member)| self.describe_share_member(id, member)).collect(),
        });
        Reply::ShareGroupDescribe(described)
    }

    fn describe_share_member(&self, id: &Text, member: &Member) -> DescribedShareMember {
        let named = |(topic_id, partitions): (Uuid, Vec<i32>)| {
            let topic = self.image.topic_by_id(&topic_id)?;
            Some((topic_id, topic.name.clone(), partitions))
        };
        DescribedShareMember {
            member_id: id.clone(),
            rack_id: member.profile.rack_id.clone(),
            member_epoch: member.current.epoch,
            client_id: member.profile.client_id.clone(),
            client_host: member.profile.client_host.clone(),
            subscribed_topics: member.profile.topics.iter().cloned().collect(),
            assignment: by_topic(&member.current.assigned).into_iter().filter_map(named).collect(),
        }
    }

    /// Which partitions a group has state of.
    pub(in super::super) fn share_partitions(&self, request: &ShareGroupPartitions) -> Reply {
        let group = self.known_share_group(&request.group_id);
        Reply::ShareGroupPartitions(group.map(|group| listed(&group.state.initialized)))
    }
}

fn listed(partitions: &NamedPartitions) -> Vec<StateTopic> {
    let topics = partitions.iter();
    topics.map(|(id, (name, indexes))| (*id, name.clone(), indexes.iter().copied().collect())).collect()
}

impl Turn<'_> {
    /// The share coordinator has set partitions up: from now on they may be assigned.
    pub(in super::super) fn share_initialized(&mut self, caller: Caller, request: &ShareGroupInitialized) {
        let noted = self.share_draft(&request.group_id).map(|mut draft| {
            let mut state = draft.group.state.clone();
            for (topic_id, name, partitions) in &request.topics {
                for index in partitions {
                    if let Some((_, waiting)) = state.initializing.get_mut(topic_id) {
                        waiting.remove(index);
                    }
                    let known = state.initialized.entry(*topic_id);
                    known.or_insert_with(|| (name.clone(), Default::default())).1.insert(*index);
                }
            }
            state.initializing.retain(|_, (_, waiting)| !waiting.is_empty());
            if state != draft.group.state {
                self.write_share(&mut draft, ShareRecord::StatePartitions(Some(state)));
            }
        });
        self.reply(caller, Reply::ShareGroupInitialized(noted));
    }

    /// A new state begins for an empty group: its epoch fences whoever has read the old one.
    pub(in super::super) fn share_alter(&mut self, caller: Caller, request: &ShareGroupAlter) {
        let altered = self.empty_share_draft(&request.group_id).map(|mut draft| {
            let epoch = draft.group.epoch.epoch.saturating_add(1);
            let raised = GroupEpoch { epoch, ..draft.group.epoch };
            self.write_share(&mut draft, ShareRecord::Epoch(Some(raised)));
            epoch
        });
        self.reply(caller, Reply::ShareGroupAlter(altered));
    }

    /// State of topics is to be deleted, or it is: then nothing of it is known any more.
    pub(in super::super) fn share_forget(&mut self, caller: Caller, request: &ShareGroupForget) {
        let forgotten = self.empty_share_draft(&request.group_id).map(|mut draft| {
            let is_meant = |id: &Uuid| request.topics.as_ref().is_none_or(|topics| topics.contains(id));
            let mut state = draft.group.state.clone();
            let meant: NamedPartitions = [&state.initialized, &state.initializing]
                .into_iter()
                .flatten()
                .filter(|(id, _)| is_meant(id))
                .map(|(id, topic)| (*id, topic.clone()))
                .collect();
            if request.done {
                state.initialized.retain(|id, _| !is_meant(id));
                state.initializing.retain(|id, _| !is_meant(id));
                state.deleting.retain(|id, _| !is_meant(id));
            } else {
                state.deleting.extend(meant.iter().map(|(id, (name, _))| (*id, name.clone())));
            }
            if state != draft.group.state {
                self.write_share(&mut draft, ShareRecord::StatePartitions(Some(state)));
            }
            listed(&meant)
        });
        self.reply(caller, Reply::ShareGroupForget(forgotten));
    }

    fn empty_share_draft(&self, id: &Text) -> Result<Draft, Refusal> {
        let draft = self.share_draft(id)?;
        match draft.group.members.is_empty() {
            true => Ok(draft),
            false => Err(Refusal::new(GroupError::NonEmptyGroup, GroupError::NonEmptyGroup.to_string())),
        }
    }

    /// Tombstones for an empty share group.
    pub(in super::super) fn bury_share_group(&mut self, id: &Text) {
        for record in [ShareRecord::StatePartitions(None), ShareRecord::TargetEpoch(None), ShareRecord::Epoch(None)] {
            self.out.records.push(super::super::Record::Share { group: id.clone(), record });
        }
    }
}
