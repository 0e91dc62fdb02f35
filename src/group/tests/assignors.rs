//! The server-side assignors: cases, and what must hold for any group.

use super::super::consumer::{GroupSpec, MemberSpec};
use super::super::{Assignor, Partitions, Text};
use super::bench::{text, topic_id, topic_name};
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Member, topics that it reads, and what it had: `t-0 t-1 …`.
fn group(topics: &[(&str, i32)], members: &[(&str, &str, &str)]) -> GroupSpec {
    let place = |word: &str| {
        let (topic, index) = word.rsplit_once('-').expect("topic-index");
        (topic_id(topic), index.parse().expect("an index"))
    };
    let member = |(id, topics, had): &(&str, &str, &str)| {
        let spec = MemberSpec {
            instance_id: id.strip_prefix("static-").map(text),
            topics: Arc::new(topics.split_whitespace().map(topic_id).collect()),
            target: Arc::new(had.split_whitespace().map(place).collect()),
        };
        (text(id), spec)
    };
    GroupSpec {
        members: members.iter().map(member).collect(),
        partition_counts: topics.iter().map(|(topic, count)| (topic_id(topic), *count)).collect(),
    }
}

fn shown(assigned: &BTreeMap<Text, Partitions>) -> Vec<String> {
    let member = |(id, partitions): (&Text, &Partitions)| {
        let each = partitions.iter().map(|(topic, index)| format!("{}-{index}", topic_name(&topic)));
        format!("{id}: {}", each.collect::<Vec<_>>().join(" "))
    };
    assigned.iter().map(member).collect()
}

fn check(assignor: Assignor, group: &GroupSpec, expected: &[&str]) {
    assert_eq!(shown(&assignor.assign(group)), expected);
}

#[test]
fn n3_uniform_fills_members_in_order() {
    let topics = [("t", 3), ("u", 3)];
    let members = [("a", "t u", ""), ("b", "t u", ""), ("c", "t u", "")];
    check(Assignor::Uniform, &group(&topics, &members), &["a: t-0 t-1", "b: t-2 u-0", "c: u-1 u-2"]);
    check(Assignor::Uniform, &group(&topics, &members[..1]), &["a: t-0 t-1 t-2 u-0 u-1 u-2"]);
    check(Assignor::Uniform, &group(&[], &[("a", "", ""), ("b", "", "")]), &["a: ", "b: "]);
    check(Assignor::Uniform, &group(&[], &[]), &[]);
}

#[test]
fn n3_uniform_moves_no_more_than_it_must() {
    let topics = [("t", 5)];
    // The one that has one more keeps it, though it is not the first.
    let members = [("a", "t", "t-0 t-1"), ("b", "t", "t-2 t-3 t-4")];
    check(Assignor::Uniform, &group(&topics, &members), &["a: t-0 t-1", "b: t-2 t-3 t-4"]);
    let joined = [("a", "t", "t-0 t-1"), ("b", "t", "t-2 t-3 t-4"), ("c", "t", "")];
    check(Assignor::Uniform, &group(&topics, &joined), &["a: t-0 t-1", "b: t-2 t-3", "c: t-4"]);
    let left = [("b", "t", "t-2 t-3"), ("c", "t", "t-4")];
    check(Assignor::Uniform, &group(&topics, &left), &["b: t-0 t-2 t-3", "c: t-1 t-4"]);
    // What two claim is kept once; what does not exist, not at all.
    let odd = [("a", "t", "t-0 t-9 u-0"), ("b", "t", "t-0 t-1")];
    check(Assignor::Uniform, &group(&topics, &odd), &["a: t-0 t-2 t-3", "b: t-1 t-4"]);
}

#[test]
fn n3_uniform_balances_what_members_share() {
    let topics = [("t", 4), ("u", 2)];
    let members = [("a", "t u", ""), ("b", "t", "")];
    // Of two topics with as many partitions a subscriber, the one with fewer subscribers goes first.
    check(Assignor::Uniform, &group(&topics, &members), &["a: t-2 u-0 u-1", "b: t-0 t-1 t-3"]);
    let sticky = [("a", "t u", "t-0 t-1 t-2 t-3"), ("b", "t", "")];
    check(Assignor::Uniform, &group(&topics, &sticky), &["a: t-0 u-0 u-1", "b: t-1 t-2 t-3"]);
    let apart = [("a", "t", ""), ("b", "u", "")];
    check(Assignor::Uniform, &group(&topics, &apart), &["a: t-0 t-1 t-2 t-3", "b: u-0 u-1"]);
}

#[test]
fn n3_range_gives_ranges_and_puts_static_members_first() {
    let topics = [("t", 3), ("u", 3)];
    let members = [("a", "t u", ""), ("b", "t u", "")];
    check(Assignor::Range, &group(&topics, &members), &["a: t-0 t-1 u-0 u-1", "b: t-2 u-2"]);
    let with_static = [("a", "t", ""), ("static-z", "t u", "")];
    check(Assignor::Range, &group(&topics, &with_static), &["a: t-2", "static-z: t-0 t-1 u-0 u-1 u-2"]);
    let many = [("a", "t", ""), ("b", "t", ""), ("c", "t", ""), ("d", "t", "")];
    check(Assignor::Range, &group(&topics[..1], &many), &["a: t-0", "b: t-1", "c: t-2", "d: "]);
}

const NAMES: [&str; 4] = ["t", "u", "v", "w"];

/// Up to 12 members that each read some of 4 topics, and had any partitions.
fn any_group() -> impl Strategy<Value = GroupSpec> {
    let counts = prop::collection::vec(1..9i32, NAMES.len());
    let had = prop::collection::vec((0..NAMES.len(), 0..10i32), 0..12);
    let member = (prop::collection::vec(any::<bool>(), NAMES.len()), had, any::<bool>());
    (counts, prop::collection::vec(member, 1..12), any::<bool>()).prop_map(|(counts, members, alike)| {
        let mut specs = BTreeMap::new();
        for (at, (reads, had, is_static)) in members.iter().enumerate() {
            let reads = if alike { &members[0].0 } else { reads };
            let topics = NAMES.iter().zip(reads).filter(|(_, reads)| **reads).map(|(name, _)| topic_id(name));
            let spec = MemberSpec {
                instance_id: is_static.then(|| text(&format!("i{at}"))),
                topics: Arc::new(topics.collect()),
                target: Arc::new(had.iter().map(|(topic, index)| (topic_id(NAMES[*topic]), *index)).collect()),
            };
            specs.insert(text(&format!("m{at:02}")), spec);
        }
        let read: BTreeSet<_> = specs.values().flat_map(|spec: &MemberSpec| spec.topics.iter().copied()).collect();
        let counts = NAMES.iter().zip(&counts).map(|(name, count)| (topic_id(name), *count));
        GroupSpec { members: specs, partition_counts: counts.filter(|(topic, _)| read.contains(topic)).collect() }
    })
}

/// Every partition of every topic once, and only to members that read it.
fn is_whole(group: &GroupSpec, assigned: &BTreeMap<Text, Partitions>) {
    let mut seen = BTreeSet::new();
    for (id, partitions) in assigned {
        for (topic, index) in partitions.iter() {
            assert!(group.members[id].topics.contains(&topic), "{id} reads it");
            assert!(seen.insert((topic, index)), "given once");
        }
    }
    let all = group.partition_counts.iter().flat_map(|(topic, count)| (0..*count).map(move |index| (*topic, index)));
    assert_eq!(seen, all.collect(), "all are given");
    assert_eq!(assigned.len(), group.members.len(), "to every member its part");
}

proptest! {
    #[test]
    fn n3_every_partition_is_given_once(group in any_group()) {
        for assignor in [Assignor::Uniform, Assignor::Range] {
            is_whole(&group, &assignor.assign(&group));
        }
    }

    #[test]
    fn n3_uniform_is_balanced_and_sticky(group in any_group()) {
        let assigned = Assignor::Uniform.assign(&group);
        let topics: Vec<_> = group.members.values().map(|member| &member.topics).collect();
        if topics.windows(2).all(|pair| pair[0] == pair[1]) {
            let sizes: Vec<usize> = assigned.values().map(Partitions::len).collect();
            let (least, most) = (sizes.iter().min().copied(), sizes.iter().max().copied());
            prop_assert!(most <= least.map(|least| least + 1), "{sizes:?}");
        } else {
            // Nobody could take over one from a member that has two more.
            for (from, partitions) in &assigned {
                for (topic, _) in partitions.iter() {
                    for (to, member) in &group.members {
                        if member.topics.contains(&topic) {
                            prop_assert!(partitions.len() <= assigned[to].len() + 1, "{from} has much more than {to}");
                        }
                    }
                }
            }
        }
        // What comes out stays as it is.
        let again = GroupSpec {
            members: group.members.iter().map(|(id, member)| {
                let target = Arc::new(assigned[id].clone());
                (id.clone(), MemberSpec { target, ..member.clone() })
            }).collect(),
            ..group.clone()
        };
        prop_assert_eq!(Assignor::Uniform.assign(&again), assigned);
    }
}
