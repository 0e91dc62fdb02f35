//! The range assignor: topic by topic, each member a range. It does not look at the assignment before.

use super::super::super::Text;
use super::super::partitions::Partitions;
use super::{GroupSpec, MemberSpec};
use crate::ids::Uuid;
use std::collections::BTreeMap;

/// Static members first, by instance id, so that they keep their ranges under new member ids.
pub fn assign(group: &GroupSpec) -> BTreeMap<Text, Partitions> {
    let mut members: Vec<(&Text, &MemberSpec)> = group.members.iter().collect();
    members.sort_by_key(|(id, member)| (member.instance_id.is_none(), member.instance_id.clone(), (*id).clone()));
    let mut subscribers: BTreeMap<Uuid, Vec<&Text>> = BTreeMap::new();
    for (id, member) in &members {
        for topic in member.topics.iter() {
            subscribers.entry(*topic).or_default().push(*id);
        }
    }
    let mut assigned: BTreeMap<Text, Partitions> =
        group.members.keys().map(|id| (id.clone(), Partitions::default())).collect();
    for (topic, subscribers) in subscribers {
        let partitions = group.partition_count(&topic);
        let count = i32::try_from(subscribers.len()).unwrap_or(i32::MAX);
        let (quota, extra) = (partitions / count, partitions % count);
        let mut next = 0;
        for (at, member) in (0..).zip(subscribers) {
            let end = next + quota + i32::from(at < extra);
            let of_member = assigned.get_mut(member).expect("every member has an entry");
            (next..end).for_each(|partition| _ = of_member.insert(topic, partition));
            next = end;
        }
    }
    assigned
}
