//! ConsumerGroupHeartbeat (N1–N7): a member joins, shows that it lives, says what it holds, and hears what to read.

use super::super::error::GroupError;
use super::super::request::{Client, ConsumerGroupHeartbeat, ConsumerGroupHeartbeatReply};
use super::super::settings::{Settings, MAX_GROUP_MEMBERS};
use super::super::shard::Turn;
use super::super::{Caller, Text};
use super::assignor::Assignor;
use super::member::{Current, Member, Profile, JOIN_EPOCH, LEAVE_EPOCH, STATIC_LEAVE_EPOCH};
use super::partitions::Partitions;
use super::records::ConsumerRecord;
use super::refusal::Refusal;
use super::state::ConsumerGroup;
use super::working::Draft;
use crate::ids::{uuid_to_text, Uuid};
use std::sync::Arc;

impl ConsumerGroupHeartbeat {
    /// What is wrong with the request by itself, in Kafka's order.
    pub(in super::super) fn judge(&self, settings: &Settings) -> Result<(), Refusal> {
        let is_empty = |text: &Option<Text>| text.as_ref().is_some_and(|text| text.is_empty());
        let needs_id = self.needs_member_id || self.member_epoch > JOIN_EPOCH || self.member_epoch == LEAVE_EPOCH;
        if needs_id && self.member_id.is_empty() {
            return Err(Refusal::invalid("MemberId can't be empty."));
        }
        if self.group_id.is_empty() {
            return Err(Refusal::invalid("GroupId can't be empty."));
        }
        if is_empty(&self.instance_id) {
            return Err(Refusal::invalid("InstanceId can't be empty."));
        }
        if is_empty(&self.rack_id) {
            return Err(Refusal::invalid("RackId can't be empty."));
        }
        match self.member_epoch {
            JOIN_EPOCH => self.judge_join()?,
            STATIC_LEAVE_EPOCH if self.instance_id.is_none() => {
                return Err(Refusal::invalid("InstanceId can't be null."));
            }
            epoch if epoch < STATIC_LEAVE_EPOCH => return Err(Refusal::invalid("MemberEpoch is invalid.")),
            _ => {}
        }
        let assignors = &settings.consumer.assignors;
        match &self.server_assignor {
            Some(name) if !assignors.iter().any(|assignor| *assignor.name() == **name) => {
                let names: Vec<&str> = assignors.iter().map(|assignor| Assignor::name(*assignor)).collect();
                let supported = names.join(", ");
                let message = format!("ServerAssignor {name} is not supported. Supported assignors: {supported}.");
                Err(Refusal::new(GroupError::UnsupportedAssignor, message))
            }
            _ => Ok(()),
        }
    }

    fn judge_join(&self) -> Result<(), Refusal> {
        if self.rebalance_timeout_ms == -1 {
            Err(Refusal::invalid("RebalanceTimeoutMs must be provided in first request."))
        } else if !self.owned.as_ref().is_some_and(Partitions::is_empty) {
            Err(Refusal::invalid("TopicPartitions must be empty when (re-)joining."))
        } else if self.subscribed_topics.is_none() && self.subscribed_regex.is_none() {
            let message = "Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.";
            Err(Refusal::invalid(message))
        } else {
            Ok(())
        }
    }

    /// Whether it says all there is to say, so that the answer does too.
    fn is_full(&self) -> bool {
        let names_topics = self.subscribed_topics.is_some() || self.subscribed_regex.is_some();
        self.member_epoch == JOIN_EPOCH || (self.rebalance_timeout_ms != -1 && names_topics && self.owned.is_some())
    }

    /// The member's profile with what the request says; null fields leave it as it was.
    fn update(&self, before: &Profile, client: &Client) -> Profile {
        let or_before = |said: &Option<Text>, before: &Option<Text>| said.clone().or_else(|| before.clone());
        let topics = self.subscribed_topics.as_ref().map(|topics| Arc::new(topics.iter().cloned().collect()));
        Profile {
            instance_id: or_before(&self.instance_id, &before.instance_id),
            rack_id: or_before(&self.rack_id, &before.rack_id),
            client_id: client.id.clone(),
            client_host: client.host.clone(),
            topics: topics.unwrap_or_else(|| before.topics.clone()),
            regex: or_before(&self.subscribed_regex, &before.regex),
            rebalance_timeout_ms: match self.rebalance_timeout_ms {
                -1 => before.rebalance_timeout_ms,
                ms => ms,
            },
            assignor: or_before(&self.server_assignor, &before.assignor),
            classic: None,
        }
    }
}

impl Turn<'_> {
    /// A member joins, beats or leaves. What is refused changes nothing.
    pub(in super::super) fn consumer_heartbeat(
        &mut self,
        caller: Caller,
        client: &Client,
        fresh: Uuid,
        request: &ConsumerGroupHeartbeat,
    ) {
        let judged = match request.member_epoch {
            LEAVE_EPOCH | STATIC_LEAVE_EPOCH => self.leave_consumer_group(request),
            _ => self.beat(client, fresh, request),
        };
        let reply = judged.unwrap_or_else(|refusal| {
            self.out = Default::default();
            ConsumerGroupHeartbeatReply::refused(refusal)
        });
        self.reply(caller, reply);
    }

    fn beat(
        &mut self,
        client: &Client,
        fresh: Uuid,
        request: &ConsumerGroupHeartbeat,
    ) -> Result<ConsumerGroupHeartbeatReply, Refusal> {
        let joins = request.member_epoch == JOIN_EPOCH;
        let mut draft = match joins {
            true => self.consumer_group_to_join(&request.group_id)?,
            false => self.consumer_group(&request.group_id, "Consumer group")?,
        };
        let member_id = match request.member_id.is_empty() {
            true => Text::from(uuid_to_text(&fresh)),
            false => request.member_id.clone(),
        };
        self.refuse_if_full(&draft.group, &member_id)?;
        let before = match &request.instance_id {
            Some(instance_id) if joins => self.join_static(&mut draft, instance_id, &member_id, false)?,
            Some(instance_id) => static_member(&draft, instance_id, &member_id)?,
            None => draft.group.member(&member_id).map_or_else(
                || if joins { Ok(Member::new(member_id.clone())) } else { Err(unknown(&draft, &member_id)) },
                |member| Ok((**member).clone()),
            )?,
        };
        if !joins {
            validate_epoch(&before.current, request.member_epoch, request.owned.as_ref())?;
        }
        let change = self.update_profile(&mut draft, &before, request.update(&before.profile, client))?;
        self.raise_epoch_if_changed(&mut draft, change.of_group);
        self.assign_if_due(&mut draft);
        let after = self.reconcile(&mut draft, &member_id, request.owned.as_ref(), change.of_member)?;
        self.stop_classic_timers(&draft.id, &before);
        let settings = self.shard.group_settings(&draft.id);
        self.arm_session(&draft.id, &member_id, settings.session_timeout_ms);
        let changed = after.current.assigned != before.current.assigned;
        Ok(ConsumerGroupHeartbeatReply {
            refusal: None,
            member_id: Some(member_id),
            member_epoch: after.current.epoch,
            heartbeat_interval_ms: settings.heartbeat_interval_ms,
            assignment: (request.is_full() || changed).then(|| after.current.assigned.partitions()),
        })
    }

    /// A copy of a consumer group; `what` it is called in the refusal if there is none.
    pub(super) fn consumer_group(&self, id: &Text, what: &str) -> Result<Draft, Refusal> {
        let entry = self.shard.groups.get(id);
        if let Some(group) = entry.and_then(|entry| entry.consumer.as_deref()) {
            return Ok(Draft { id: id.clone(), group: group.clone() });
        }
        Err(Refusal::not_found(match entry {
            Some(_) => format!("Group {id} is not a consumer group."),
            None => format!("{what} {id} not found."),
        }))
    }

    /// A copy of a consumer group, if there is one.
    pub(in super::super) fn consumer_draft(&self, id: &Text) -> Option<Draft> {
        let group = self.shard.groups.get(id)?.consumer.as_deref()?;
        Some(Draft { id: id.clone(), group: group.clone() })
    }

    /// The group that a member joins: as it is, new, or made of a classic one (N11, N12).
    fn consumer_group_to_join(&mut self, id: &Text) -> Result<Draft, Refusal> {
        if let Some(draft) = self.consumer_draft(id) {
            return Ok(draft);
        }
        match self.shard.group(id) {
            Some(classic) => self.upgrade(&classic),
            None => {
                let too_many = |error| Refusal::new(error, "This coordinator has too many groups.");
                self.admit_group().map_err(too_many)?;
                Ok(Draft { id: id.clone(), group: ConsumerGroup::new() })
            }
        }
    }

    pub(super) fn refuse_if_full(&self, group: &ConsumerGroup, member_id: &str) -> Result<(), Refusal> {
        let max_size = self.shard.settings.consumer.max_size.min(MAX_GROUP_MEMBERS);
        if group.len() >= max_size && group.member(member_id).is_none() {
            let message = format!("The consumer group has reached its maximum capacity of {max_size} members.");
            return Err(Refusal::new(GroupError::GroupMaxSizeReached, message));
        }
        Ok(())
    }

    /// A static member joins: as a new one, or in place of the one that had its instance id and has left for a while, or
    /// still speaks the other protocol (N5). It takes over what that one had.
    pub(super) fn join_static(
        &mut self,
        draft: &mut Draft,
        instance_id: &Text,
        member_id: &Text,
        is_classic: bool,
    ) -> Result<Member, Refusal> {
        let Some(holder) = draft.group.static_member(instance_id).cloned() else {
            let known = draft.group.member(member_id).map(|member| (**member).clone());
            return Ok(known.unwrap_or_else(|| Member::new(member_id.clone())));
        };
        let is_released = holder.current.epoch == STATIC_LEAVE_EPOCH;
        if !is_classic && !holder.is_classic() && !is_released {
            let message = format!(
                "Static member {member_id} with instance id {instance_id} cannot join the group because the instance \
                 id is owned by {} member.",
                holder.id
            );
            return Err(Refusal::new(GroupError::UnreleasedInstanceId, message));
        }
        let current = Current { epoch: JOIN_EPOCH, previous_epoch: JOIN_EPOCH, ..holder.current.clone() };
        let member = Member { id: member_id.clone(), profile: holder.profile.clone(), current: current.clone() };
        let target = draft.group.target(&holder.id);
        self.stop_timers(&draft.id, &holder.id);
        self.remove_member(draft, &holder.id);
        let profile = Some(holder.profile.clone());
        self.write(draft, ConsumerRecord::Profile { member: member_id.clone(), value: profile });
        self.write(draft, ConsumerRecord::Target { member: member_id.clone(), value: Some(target) });
        self.write(draft, ConsumerRecord::Current { member: member_id.clone(), value: Some(current) });
        Ok(member)
    }
}

fn unknown(draft: &Draft, member_id: &str) -> Refusal {
    Refusal::unknown_member(&draft.id, member_id)
}

/// The present holder of an instance id, if that is who asks.
pub(super) fn static_member(draft: &Draft, instance_id: &Text, member_id: &Text) -> Result<Member, Refusal> {
    let unknown = || Refusal::new(GroupError::UnknownMemberId, format!("Instance id {instance_id} is unknown."));
    let holder = draft.group.static_member(instance_id).ok_or_else(unknown)?;
    if holder.id != *member_id {
        return Err(Refusal::fenced_instance(member_id, instance_id, &holder.id));
    }
    Ok((**holder).clone())
}

/// A member is in its epoch, or in the one before if the answer that raised it may have been lost: then it holds no more
/// than it is known to (N4).
fn validate_epoch(current: &Current, said: i32, owned: Option<&Partitions>) -> Result<(), Refusal> {
    let how = match said.cmp(&current.epoch) {
        std::cmp::Ordering::Equal => return Ok(()),
        std::cmp::Ordering::Greater => "greater",
        std::cmp::Ordering::Less => {
            let holds_less = owned.is_some_and(|owned| current.assigned.contains_all(owned));
            if said == current.previous_epoch && holds_less {
                return Ok(());
            }
            "smaller"
        }
    };
    let message = format!(
        "The consumer group member has a {how} member epoch ({said}) than the one known by the group coordinator ({}). \
         The member must abandon all its partitions and rejoin.",
        current.epoch
    );
    Err(Refusal::new(GroupError::FencedMemberEpoch, message))
}
