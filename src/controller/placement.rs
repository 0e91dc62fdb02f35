//! Where a partition's replicas go: over racks first, leaders in turn.
//!
//! Brokers are lined up so that neighbours stand in different racks as far as possible. Partition by partition the line
//! turns by one, so leaders are spread evenly; after each whole turn the followers shift by one more, so that the
//! partitions of one leader do not all share their followers. The first replica is a broker that may lead; fenced
//! brokers come last among the others, and only if there are too few.

use super::Refusal;
use crate::ids::NodeId;
use crate::metadata::image::MetadataImage;
use crate::rng::Rng;
use std::collections::BTreeMap;

struct Candidate {
    id: NodeId,
    rack: Option<String>,
}

/// Chooses replicas for partitions, one after the other.
pub(super) struct Placer {
    leaders: Vec<Candidate>,
    others: Vec<Candidate>,
    replication_factor: usize,
    turn: usize,
}

impl Placer {
    /// Prepares to place partitions with `replication_factor` replicas each.
    pub(super) fn new(image: &MetadataImage, replication_factor: i16, rng: &Rng) -> Result<Self, Refusal> {
        let unable = |why: String| {
            Refusal::InvalidReplicationFactor(format!(
                "Unable to replicate the partition {replication_factor} time(s): {why}"
            ))
        };
        let registered = image.brokers().len();
        let factor = usize::try_from(replication_factor).unwrap_or(0);
        if factor > registered {
            return Err(unable(format!(
                "The target replication factor of {replication_factor} cannot be reached because only {registered} \
                 broker(s) are registered or some brokers have all their log directories cordoned."
            )));
        }
        let leaders = lined_up(image, true);
        if leaders.is_empty() {
            return Err(unable(
                "All brokers are currently fenced, or have all their log directories cordoned.".to_owned(),
            ));
        }
        let turn = rng.below(leaders.len() as u64) as usize;
        Ok(Self { leaders, others: lined_up(image, false), replication_factor: factor, turn })
    }

    /// The replicas of the next partition, the preferred leader first.
    pub(super) fn place(&mut self) -> Vec<NodeId> {
        let count = self.leaders.len();
        let first = self.turn % count;
        let shift = self.turn / count;
        self.turn = self.turn.wrapping_add(1);
        let mut line: Vec<&Candidate> = (1..count)
            .map(|step| &self.leaders[(first + 1 + (shift + step - 1) % (count - 1)) % count])
            .chain(&self.others)
            .collect();
        let mut chosen = vec![&self.leaders[first]];
        while chosen.len() < self.replication_factor && !line.is_empty() {
            let in_new_rack = line.iter().position(|broker| chosen.iter().all(|taken| taken.rack != broker.rack));
            chosen.push(line.remove(in_new_rack.unwrap_or(0)));
        }
        chosen.into_iter().map(|broker| broker.id).collect()
    }
}

/// The brokers that may lead (or those that may not), neighbours in different racks as far as possible.
fn lined_up(image: &MetadataImage, may_lead: bool) -> Vec<Candidate> {
    let mut racks: BTreeMap<Option<&String>, Vec<NodeId>> = BTreeMap::new();
    for broker in image.brokers().filter(|broker| broker.may_lead() == may_lead) {
        racks.entry(broker.rack.as_ref()).or_default().push(broker.id);
    }
    let deepest = racks.values().map(Vec::len).max().unwrap_or(0);
    let row = |depth: usize| {
        let at = move |(rack, ids): (&Option<&String>, &Vec<NodeId>)| {
            ids.get(depth).map(|id| Candidate { id: *id, rack: rack.cloned() })
        };
        racks.iter().filter_map(at).collect::<Vec<_>>()
    };
    (0..deepest).flat_map(row).collect()
}
