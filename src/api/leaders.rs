//! Who leads a partition, told beside the error that it is not this node (KIP-951).

use crate::ids::{NodeId, Uuid};
use crate::metadata::image::MetadataImage;
use std::collections::BTreeSet;

/// A node that was named as a leader.
pub(super) struct LeaderNode {
    pub(super) id: NodeId,
    pub(super) host: String,
    pub(super) port: i32,
    pub(super) rack: Option<String>,
}

/// Leaders named in one answer, whose endpoints go with it.
pub(super) struct LeaderHints<'a> {
    image: &'a MetadataImage,
    listener: &'a str,
    named: BTreeSet<NodeId>,
}

impl<'a> LeaderHints<'a> {
    /// For an answer that leaves by `listener`.
    pub(super) fn new(image: &'a MetadataImage, listener: &'a str) -> Self {
        Self { image, listener, named: BTreeSet::new() }
    }

    /// The leader of a partition and its epoch, by the topic's id unless that is nil.
    pub(super) fn leader_of(&mut self, topic: &str, topic_id: Uuid, partition: i32) -> Option<(NodeId, i32)> {
        let topic = if topic_id.is_nil() { self.image.topic_by_name(topic) } else { self.image.topic_by_id(&topic_id) };
        let partition = topic?.partition(partition)?;
        if self.image.broker(partition.leader)?.endpoint(self.listener).is_some() {
            self.named.insert(partition.leader);
        }
        Some((partition.leader, partition.leader_epoch))
    }

    /// Where the leaders named so far are, as `make` writes them.
    pub(super) fn endpoints<T>(&self, make: impl Fn(LeaderNode) -> T) -> Vec<T> {
        let nodes = self.named.iter().filter_map(|id| {
            let broker = self.image.broker(*id)?;
            let endpoint = broker.endpoint(self.listener)?;
            let (host, port) = (endpoint.host.clone(), i32::from(endpoint.port));
            Some(make(LeaderNode { id: *id, host, port, rack: broker.rack.clone() }))
        });
        nodes.collect()
    }
}
