//! Topics made because somebody asked for them: by name in Metadata (M4), or the internal ones by their first use (G1).

use super::Services;
use crate::controller::internal_topics::{self, InternalTopicSettings};
use crate::controller::request::{CreateTopics, NewTopic};
use crate::controller::Request;
use crate::coordinator::{CONSUMER_OFFSETS, SHARE_GROUP_STATE, TRANSACTION_STATE};
use crate::ids::NodeId;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Creations in flight at once; what is asked beyond that is dropped, and asked again by the client's retry.
const IN_FLIGHT_MAX: usize = 1000;

/// Topics that are being created on demand.
#[derive(Default)]
pub struct TopicCreation {
    /// Guards the names in flight, so that a crowd of clients asks the controller once.
    in_flight: Mutex<BTreeSet<String>>,
}

impl TopicCreation {
    /// Requests the creation of a topic with the broker's defaults, and returns at once.
    pub(super) fn request(self: &Arc<Self>, services: &Services, name: &str) {
        let topic = wanted(services, name);
        {
            let mut in_flight = self.in_flight.lock();
            if in_flight.len() >= IN_FLIGHT_MAX || !in_flight.insert(topic.name.clone()) {
                return;
            }
        }
        let (creation, controller) = (self.clone(), services.controller.clone());
        tokio::spawn(async move {
            let name = topic.name.clone();
            let create = CreateTopics { topics: vec![topic], validate_only: false };
            if let Err(error) = controller.submit(Request::CreateTopics(create)).await {
                tracing::warn!("the creation of topic {name} was not answered: {error}");
            }
            creation.in_flight.lock().remove(&name);
        });
    }
}

/// A topic with the broker's defaults, or an internal one as its coordinator needs it.
fn wanted(services: &Services, name: &str) -> NewTopic {
    let (config, image) = (&services.config, services.metadata.current());
    match name {
        CONSUMER_OFFSETS => internal_topics::consumer_offsets(&InternalTopicSettings::consumer_offsets(config), &image),
        TRANSACTION_STATE => {
            internal_topics::transaction_state(&InternalTopicSettings::transaction_state(config), &image)
        }
        SHARE_GROUP_STATE => {
            internal_topics::share_group_state(&InternalTopicSettings::share_group_state(config), &image)
        }
        _ => {
            let name = name.to_owned();
            NewTopic { name, partitions: -1, replication_factor: -1, assignments: Vec::new(), configs: Vec::new() }
        }
    }
}

/// The leader of the partition that coordinates `group_id`, if there is one.
pub(super) fn group_coordinator(services: &Services, group_id: &str) -> Option<NodeId> {
    leader(services, CONSUMER_OFFSETS, || services.groups.partition_for(group_id))
}

/// The leader of the partition that coordinates `transactional_id`, if there is one.
pub(super) fn transaction_coordinator(services: &Services, transactional_id: &str) -> Option<NodeId> {
    leader(services, TRANSACTION_STATE, || services.transactions.partition_for(transactional_id))
}

/// The leader of the partition that coordinates a share-partition, named by its text form, if there is one.
pub(super) fn share_coordinator(services: &Services, name: &str) -> Option<NodeId> {
    leader(services, SHARE_GROUP_STATE, || services.share_states.partition_for(name))
}

/// The live leader of a partition of an internal topic, which is made if it does not exist.
fn leader(services: &Services, topic: &str, partition: impl Fn() -> i32) -> Option<NodeId> {
    let image = services.metadata.current();
    match image.topic_by_name(topic) {
        None => {
            services.topic_creation.request(services, topic);
            None
        }
        Some(topic) => {
            let partition = topic.partition(partition())?;
            image.broker(partition.leader).filter(|broker| !broker.fenced).map(|broker| broker.id)
        }
    }
}
