//! The records of the metadata log: the only way in which the cluster's state changes.

use super::broker::BrokerImage;
use super::configs::ConfigResource;
use super::partition::{PartitionChange, PartitionImage};
use super::quotas::{QuotaEntity, QuotaValue};
use super::scram::{ScramCredential, ScramMechanism};
use crate::ids::{NodeId, Uuid};

/// One change of the cluster's metadata. [`super::codec`] gives its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MetadataRecord {
    /// A new topic, still without partitions.
    Topic {
        /// Not taken by another topic.
        name: String,
        /// Drawn for this topic.
        topic_id: Uuid,
    },
    /// A new partition, the next of its topic; or, for an index that exists, its whole new state.
    Partition {
        /// The topic.
        topic_id: Uuid,
        /// At most the number of partitions that the topic has.
        partition: i32,
        /// The partition's state.
        state: PartitionImage,
    },
    /// A partition changes.
    PartitionChange {
        /// The topic.
        topic_id: Uuid,
        /// The partition's index.
        partition: i32,
        /// What changes.
        change: PartitionChange,
    },
    /// A topic goes, with its partitions and its settings.
    RemoveTopic {
        /// The topic.
        topic_id: Uuid,
    },
    /// A setting is made on a resource, or taken away.
    Config {
        /// The resource.
        resource: ConfigResource,
        /// The setting's key.
        key: String,
        /// Its value; `None` takes it away.
        value: Option<String>,
    },
    /// A broker registers, for the first time or after a restart.
    RegisterBroker(BrokerImage),
    /// A registered broker changes.
    BrokerChange {
        /// The broker.
        broker_id: NodeId,
        /// The epoch of the registration that changes.
        broker_epoch: i64,
        /// The new fencing; `None` leaves it.
        fenced: Option<bool>,
        /// Set when the broker leaves in order; `None` leaves it.
        in_controlled_shutdown: Option<bool>,
        /// The new online log directories; `None` leaves them.
        log_dirs: Option<Vec<Uuid>>,
    },
    /// A broker's registration goes.
    UnregisterBroker {
        /// The broker.
        broker_id: NodeId,
        /// The epoch of the registration that goes.
        broker_epoch: i64,
    },
    /// A block of producer ids is handed to a broker.
    ProducerIds {
        /// Who got the block.
        broker_id: NodeId,
        /// The epoch of its registration.
        broker_epoch: i64,
        /// The first id of the next block.
        next_producer_id: i64,
    },
    /// A feature's finalized level (KIP-584).
    FeatureLevel {
        /// The feature.
        name: String,
        /// Its level; 0 takes it away.
        level: i16,
    },
    /// The cluster's id, written once, first of all.
    ClusterId {
        /// 22 characters of URL-safe base64.
        cluster_id: String,
    },
    /// A quota is set on an entity, or taken away.
    ClientQuota {
        /// Whom it is set on.
        entity: QuotaEntity,
        /// Its key.
        key: String,
        /// Its value; `None` takes it away.
        value: Option<QuotaValue>,
    },
    /// A user's credential is set, or taken away.
    UserScramCredential {
        /// The user.
        user: String,
        /// The mechanism that it is for.
        mechanism: ScramMechanism,
        /// The credential; `None` takes it away.
        credential: Option<ScramCredential>,
    },
    /// Nothing changes.
    NoOp,
}
