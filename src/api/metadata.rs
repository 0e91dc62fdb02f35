//! Metadata (key 3). Versions 0–13.
//!
//! 1: controller id, a null list for all topics. 4: the client may forbid auto-creation. 7: leader epochs (KIP-320).
//! 8: authorized operations (KIP-430). 10, 12: topic ids (KIP-516). 13: a top-level error (KIP-1102).
//! Kept from Kafka: an unknown topic that may be created is requested and still answered as unknown, so clients retry (M4).

use super::context::{operations, RequestContext};
use super::error::ErrorCode;
use super::reply::{ConnectionContext, Reply};
use super::Services;
use crate::config::load::advertised_address_warning;
use crate::ids::Uuid;
use crate::metadata::image::{MetadataImage, PartitionImage, TopicImage, NO_LEADER};
use kafka_protocol::messages::metadata_response::{
    MetadataResponseBroker, MetadataResponsePartition, MetadataResponseTopic,
};
use kafka_protocol::messages::{BrokerId, MetadataRequest, MetadataResponse, TopicName};
use kafka_protocol::protocol::StrBytes;
use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

/// Pairs of listener and address that a warning was logged for; beyond it nobody is warned any more.
const WARNED_MAX: usize = 64;

/// Addresses by which clients came although they are told to use another one.
#[derive(Default)]
pub struct Misled {
    /// Guards the pairs already warned of.
    warned: Mutex<BTreeSet<(Arc<str>, IpAddr)>>,
}

impl Misled {
    /// Warns once of a client that came by an address which is not the one advertised to it: the first thing that goes
    /// wrong in containers.
    fn look(&self, services: &Services, connection: &ConnectionContext) {
        let came_to = connection.local.ip();
        let Some(listener) = services.config.listeners.by_name(&connection.listener) else { return };
        let Some(warning) = advertised_address_warning(listener, came_to) else { return };
        let mut warned = self.warned.lock();
        if warned.len() < WARNED_MAX && warned.insert((connection.listener.clone(), came_to)) {
            tracing::warn!("{warning}");
        }
    }
}

/// Answers with the brokers and with the topics asked for.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: MetadataRequest) -> Reply {
    services.misled.look(services, context.connection);
    let image = services.metadata.current();
    let view = View { services, image: &image, listener: &context.connection.listener, version: context.version };
    let with_operations = request.include_topic_authorized_operations;
    let topics = match &request.topics {
        // M2: null is all; version 0, which has no null, says it with an empty list.
        None => view.all(with_operations),
        Some(topics) if topics.is_empty() && context.version == 0 => view.all(with_operations),
        Some(topics) => {
            let ids_allowed = context.version >= 12;
            let uses_ids = topics.iter().any(|topic| !topic.topic_id.is_nil());
            let uses_names = topics.iter().any(|topic| topic.topic_id.is_nil());
            if uses_ids && (uses_names || !ids_allowed)
                || topics.iter().any(|topic| topic.topic_id.is_nil() && topic.name.is_none())
            {
                return context.responder.ready(&refused(&request, context.version));
            }
            // Auto-creation is never asked for by id, and version 3 and below always allow it.
            let may_create = request.allow_auto_topic_creation || context.version < 4;
            // Each once, as in Kafka: otherwise a short request could ask for an answer of any length.
            let mut seen = BTreeSet::new();
            topics
                .iter()
                .filter(|topic| {
                    seen.insert((topic.topic_id, topic.name.as_deref().filter(|_| topic.topic_id.is_nil())))
                })
                .map(|topic| match &topic.name {
                    Some(name) if topic.topic_id.is_nil() => view.by_name(name, may_create, with_operations),
                    _ => view.by_id(topic.topic_id, with_operations),
                })
                .collect()
        }
    };
    let mut response = MetadataResponse::default()
        .with_brokers(brokers(&image, &context.connection.listener))
        .with_controller_id(BrokerId(controller_id(services, &image)))
        .with_topics(topics);
    if context.version >= 2 {
        response.cluster_id = image.cluster_id().map(|id| StrBytes::from_string(id.to_string()));
    }
    if (8..=10).contains(&context.version) && request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = operations::CLUSTER;
    }
    context.responder.ready(&response)
}

/// M5: names and ids are not mixed, and ids need version 12.
fn refused(request: &MetadataRequest, version: i16) -> MetadataResponse {
    let topics = request.topics.iter().flatten().map(|topic| {
        let mut answer = MetadataResponseTopic::default().with_error_code(ErrorCode::InvalidRequest.code());
        answer.name = Some(topic.name.clone().unwrap_or_default());
        if version >= 10 {
            answer.topic_id = topic.topic_id;
        }
        answer
    });
    MetadataResponse::default().with_controller_id(BrokerId(-1)).with_topics(topics.collect())
}

/// The brokers that serve `listener`, as clients are told of them.
fn brokers(image: &MetadataImage, listener: &str) -> Vec<MetadataResponseBroker> {
    image
        .live_brokers()
        .filter_map(|broker| {
            let endpoint = broker.endpoint(listener)?;
            Some(
                MetadataResponseBroker::default()
                    .with_node_id(BrokerId(broker.id))
                    .with_host(StrBytes::from_string(endpoint.host.clone()))
                    .with_port(i32::from(endpoint.port))
                    .with_rack(broker.rack.clone().map(StrBytes::from_string)),
            )
        })
        .collect()
}

/// A live broker that passes controller requests on (M1): this one, as long as it is live.
pub(super) fn controller_id(services: &Services, image: &MetadataImage) -> i32 {
    let own = services.config.node_id;
    if image.broker(own).is_some_and(|broker| !broker.fenced) {
        return own;
    }
    image.live_brokers().next().map_or(-1, |broker| broker.id)
}

struct View<'a> {
    services: &'a Services,
    image: &'a MetadataImage,
    listener: &'a str,
    version: i16,
}

impl View<'_> {
    fn all(&self, with_operations: bool) -> Vec<MetadataResponseTopic> {
        self.image.topics().map(|topic| self.topic(topic, with_operations)).collect()
    }

    fn by_name(&self, name: &TopicName, may_create: bool, with_operations: bool) -> MetadataResponseTopic {
        if let Some(topic) = self.image.topic_by_name(name) {
            return self.topic(topic, with_operations);
        }
        let error = if crate::controller::validate_topic_name(name).is_err() {
            ErrorCode::InvalidTopicException
        } else {
            if may_create && self.services.config.topics.auto_create_topics_enable {
                self.services.topic_creation.request(self.services, name);
            }
            ErrorCode::UnknownTopicOrPartition
        };
        MetadataResponseTopic::default()
            .with_name(Some(name.clone()))
            .with_is_internal(self.version >= 1 && crate::metadata::topic::is_internal(name))
            .with_error_code(error.code())
    }

    fn by_id(&self, id: Uuid, with_operations: bool) -> MetadataResponseTopic {
        match self.image.topic_by_id(&id) {
            Some(topic) => self.topic(topic, with_operations),
            None => MetadataResponseTopic::default()
                .with_name(None)
                .with_topic_id(id)
                .with_error_code(ErrorCode::UnknownTopicId.code()),
        }
    }

    fn topic(&self, topic: &TopicImage, with_operations: bool) -> MetadataResponseTopic {
        let partitions = (0..).zip(&topic.partitions).map(|(index, partition)| self.partition(index, partition));
        let mut answer = MetadataResponseTopic::default()
            .with_name(Some(TopicName(StrBytes::from_string(topic.name.to_string()))))
            .with_partitions(partitions.collect());
        if self.version >= 1 {
            answer.is_internal = topic.is_internal();
        }
        if self.version >= 10 {
            answer.topic_id = topic.id;
        }
        if self.version >= 8 && with_operations {
            answer.topic_authorized_operations = operations::TOPIC;
        }
        answer
    }

    /// M6: a partition without a leader, or one whose leader this listener's clients cannot reach.
    fn partition(&self, index: i32, partition: &PartitionImage) -> MetadataResponsePartition {
        let leader = self.image.broker(partition.leader).filter(|broker| !broker.fenced);
        let (error, leader_id) = match leader {
            None => (ErrorCode::LeaderNotAvailable, NO_LEADER),
            Some(broker) if broker.endpoint(self.listener).is_none() => {
                let no_listener =
                    if self.version >= 6 { ErrorCode::ListenerNotFound } else { ErrorCode::LeaderNotAvailable };
                (no_listener, NO_LEADER)
            }
            Some(broker) => (ErrorCode::None, broker.id),
        };
        let mut answer = MetadataResponsePartition::default()
            .with_error_code(error.code())
            .with_partition_index(index)
            .with_leader_id(BrokerId(leader_id))
            .with_replica_nodes(ids(&partition.replicas))
            .with_isr_nodes(ids(&partition.isr));
        if self.version >= 5 {
            answer.offline_replicas = offline(self.image, &partition.replicas);
        }
        if self.version >= 7 {
            answer.leader_epoch = partition.leader_epoch;
        }
        answer
    }
}

/// Node ids as the wire has them.
pub(super) fn ids(nodes: &[i32]) -> Vec<BrokerId> {
    nodes.iter().copied().map(BrokerId).collect()
}

/// The replicas whose brokers are not live.
pub(super) fn offline(image: &MetadataImage, replicas: &[i32]) -> Vec<BrokerId> {
    let dead = |id: &i32| image.broker(*id).is_none_or(|broker| broker.fenced);
    replicas.iter().copied().filter(dead).map(BrokerId).collect()
}
