//! DescribeGroups and ListGroups (G15).

use super::classic::{Member, State};
use super::error::GroupError;
use super::request::{DescribeGroup, DescribeGroupReply, DescribedMember, ListGroups, ListedGroup};
use super::shard::{Entry, Shard};
use super::Text;

/// The type of groups whose members assign.
const CLASSIC: &str = "classic";
/// The type of groups to which the coordinator assigns. They go by this protocol type, too.
const CONSUMER: &str = "consumer";
/// The type, and protocol type, of share groups.
const SHARE: &str = "share";

impl Shard {
    /// A group as it now is.
    pub(super) fn describe(&self, request: &DescribeGroup) -> DescribeGroupReply {
        let Some(group) = self.group(&request.group_id) else {
            let missing = request.missing_is_error;
            let why = match self.groups.contains_key(&request.group_id) {
                true => "is not a classic group",
                false => "not found",
            };
            return DescribeGroupReply {
                error: missing.then_some(GroupError::GroupIdNotFound),
                error_message: missing.then(|| format!("Group {} {why}.", request.group_id)),
                group_id: request.group_id.clone(),
                state: "Dead",
                protocol_type: "".into(),
                protocol_data: "".into(),
                members: Vec::new(),
            };
        };
        // Outside of a stable generation there is no common protocol to show metadata of.
        let protocol = group.protocol_name.clone().filter(|_| group.state == State::Stable);
        let describe = |member: &Member| DescribedMember {
            member_id: member.id.clone(),
            group_instance_id: member.instance_id.clone(),
            client_id: member.client_id.clone(),
            client_host: member.client_host.clone(),
            metadata: protocol.as_deref().map(|protocol| member.metadata(protocol)).unwrap_or_default(),
            assignment: member.assignment.clone(),
        };
        DescribeGroupReply {
            error: None,
            error_message: None,
            group_id: group.id.clone(),
            state: group.state.name(),
            members: group.members.iter().map(describe).collect(),
            protocol_type: group.protocol_type.unwrap_or_else(|| "".into()),
            protocol_data: protocol.clone().unwrap_or_else(|| "".into()),
        }
    }
}

/// The groups that pass the filters; a type that nobody has matches nothing.
pub(super) fn list(shard: &Shard, request: &ListGroups) -> Vec<ListedGroup> {
    let wanted = |filter: &[String], word: &str| {
        filter.is_empty() || filter.iter().any(|said| said.trim().eq_ignore_ascii_case(word))
    };
    let groups = shard.groups.iter().map(|(id, entry)| listed(id, entry));
    groups.filter(|group| wanted(&request.types, group.group_type) && wanted(&request.states, group.state)).collect()
}

fn listed(id: &Text, entry: &Entry) -> ListedGroup {
    if let Some(group) = &entry.consumer {
        let (group_id, state) = (id.clone(), group.state().name());
        return ListedGroup { group_id, protocol_type: CONSUMER.into(), state, group_type: CONSUMER };
    }
    if let Some(group) = &entry.share {
        let (group_id, state) = (id.clone(), group.state_name());
        return ListedGroup { group_id, protocol_type: SHARE.into(), state, group_type: SHARE };
    }
    let group = entry.group(id);
    ListedGroup {
        group_id: group.id,
        protocol_type: group.protocol_type.unwrap_or_else(|| "".into()),
        state: group.state.name(),
        group_type: CLASSIC,
    }
}
