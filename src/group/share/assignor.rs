//! The simple assignor: every partition to somebody, every member something, the same to several where there are more
//! members than partitions.

use super::super::consumer::Partitions;
use super::super::Text;
use crate::ids::Uuid;
use std::collections::BTreeMap;

/// What each member may read: all the partitions of the topics that it names.
pub type Readable = BTreeMap<Text, Vec<(Uuid, i32)>>;

/// Assigns to each member of what it may read. Members with the same subscription share it evenly.
pub fn assign(readable: &Readable) -> BTreeMap<Text, Partitions> {
    let mut assigned: BTreeMap<Text, Partitions> =
        readable.keys().map(|member| (member.clone(), Partitions::default())).collect();
    let mut alike: BTreeMap<&[(Uuid, i32)], Vec<&Text>> = BTreeMap::new();
    for (member, partitions) in readable {
        alike.entry(partitions).or_default().push(member);
    }
    for (partitions, members) in alike {
        if partitions.is_empty() {
            continue;
        }
        // Round and round, until every partition and every member has had its turn.
        let rounds = members.len().div_ceil(partitions.len());
        for slot in 0..partitions.len() * rounds {
            let (topic, partition) = partitions[slot % partitions.len()];
            if let Some(assigned) = assigned.get_mut(members[slot % members.len()]) {
                assigned.insert(topic, partition);
            }
        }
    }
    assigned
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn s6_every_partition_and_every_member_has_its_share(members in 1..20usize, partitions in 0..20i32) {
            let all: Vec<_> = (0..partitions).map(|at| (Uuid::nil(), at)).collect();
            let readable: Readable = (0..members).map(|at| (Text::from(format!("m{at:02}")), all.clone())).collect();
            let assigned = assign(&readable);
            let read: BTreeSet<_> = assigned.values().flat_map(|one| one.iter().collect::<Vec<_>>()).collect();
            prop_assert_eq!(read.len(), all.len());
            let sizes: Vec<usize> = assigned.values().map(Partitions::len).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(partitions == 0 || *least >= 1 && most - least <= 1, "{sizes:?}");
        }
    }
}
