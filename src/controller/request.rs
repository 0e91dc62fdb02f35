//! What the controller can be asked, and what it answers.

use super::Refusal;
use crate::ids::{NodeId, TopicPartition, Uuid};
use crate::metadata::broker::Endpoint;
use crate::metadata::configs::ConfigResource;
use crate::metadata::quotas::QuotaValue;
use crate::metadata::record::MetadataRecord;
use std::fmt;

/// A setting's key and its value, which may be absent on the wire.
pub type Setting = (String, Option<String>);

/// A request to the active controller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Makes the cluster: its id and its features. Asking again changes nothing.
    Bootstrap {
        /// 22 characters of URL-safe base64.
        cluster_id: String,
    },
    /// Creates topics (M11).
    CreateTopics(CreateTopics),
    /// Deletes topics (M13).
    DeleteTopics {
        /// Which ones.
        topics: Vec<TopicRef>,
    },
    /// Adds partitions to topics (M12).
    CreatePartitions(CreatePartitions),
    /// Changes single settings (K4).
    IncrementalAlterConfigs {
        /// What to change, resource by resource.
        resources: Vec<(ConfigResource, Vec<ConfigChange>)>,
        /// Only judge.
        validate_only: bool,
    },
    /// Replaces all settings of resources.
    AlterConfigs {
        /// The new settings, resource by resource. A value of `None` is refused.
        resources: Vec<(ConfigResource, Vec<Setting>)>,
        /// Only judge.
        validate_only: bool,
    },
    /// Takes a block of producer ids.
    AllocateProducerIds {
        /// Who asks.
        broker_id: NodeId,
        /// The epoch of its registration.
        broker_epoch: i64,
    },
    /// Registers a broker, which starts out fenced.
    RegisterBroker(RegisterBroker),
    /// Says that a broker is alive.
    BrokerHeartbeat(BrokerHeartbeat),
    /// Takes a broker's registration away.
    UnregisterBroker {
        /// The broker.
        broker_id: NodeId,
    },
    /// Fences the brokers whose sessions have run out. To be asked by a timer.
    FenceStaleBrokers,
    /// Finalizes features' levels.
    UpdateFeatures {
        /// The new levels: all of them or none.
        updates: Vec<FeatureUpdate>,
        /// Only judge.
        validate_only: bool,
    },
    /// Elects leaders (E5).
    ElectLeaders {
        /// Of these partitions; of all if `None`.
        partitions: Option<Vec<TopicPartition>>,
        /// A replica that is not in sync may lead, where none that is can: records are lost.
        unclean: bool,
    },
    /// Moves partitions to other brokers, and takes moves back (E6).
    Reassign(Reassign),
    /// Sets quotas, and takes them away (Q1).
    AlterClientQuotas {
        /// Entity by entity.
        alterations: Vec<QuotaAlteration>,
        /// Only judge.
        validate_only: bool,
    },
    /// Sets SCRAM credentials, and takes them away.
    AlterScramCredentials(ScramAlteration),
}

/// The answer to the [`Request`] of the same name. Results of items stand in the order of the request; a name that stood
/// there twice is answered once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Response {
    /// To [`Request::Bootstrap`].
    Bootstrap(Result<(), Refusal>),
    /// To [`Request::CreateTopics`], by topic name.
    CreateTopics(Vec<(String, Result<CreatedTopic, Refusal>)>),
    /// To [`Request::DeleteTopics`].
    DeleteTopics(Vec<DeletedTopic>),
    /// To [`Request::CreatePartitions`], by topic name.
    CreatePartitions(Vec<(String, Result<(), Refusal>)>),
    /// To [`Request::IncrementalAlterConfigs`].
    IncrementalAlterConfigs(Vec<(ConfigResource, Result<(), Refusal>)>),
    /// To [`Request::AlterConfigs`].
    AlterConfigs(Vec<(ConfigResource, Result<(), Refusal>)>),
    /// To [`Request::AllocateProducerIds`].
    AllocateProducerIds(Result<ProducerIdBlock, Refusal>),
    /// To [`Request::RegisterBroker`]: the broker's epoch.
    RegisterBroker(Result<i64, Refusal>),
    /// To [`Request::BrokerHeartbeat`].
    BrokerHeartbeat(Result<HeartbeatAnswer, Refusal>),
    /// To [`Request::UnregisterBroker`].
    UnregisterBroker(Result<(), Refusal>),
    /// To [`Request::FenceStaleBrokers`]: who was fenced.
    FenceStaleBrokers(Vec<NodeId>),
    /// To [`Request::UpdateFeatures`].
    UpdateFeatures(Result<(), Refusal>),
    /// To [`Request::ElectLeaders`]. Of all partitions those stand there for which an election was worth trying.
    ElectLeaders(Vec<(TopicPartition, Result<(), Refusal>)>),
    /// To [`Request::Reassign`], in its order.
    Reassign(Vec<Result<(), Refusal>>),
    /// To [`Request::AlterClientQuotas`], in its order.
    AlterClientQuotas(Vec<Result<(), Refusal>>),
    /// To [`Request::AlterScramCredentials`], by user.
    AlterScramCredentials(Vec<(String, Result<(), Refusal>)>),
}

/// What the controller made of a request: what to replicate, and what to answer once that is committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// To be appended as one, or not at all.
    pub records: Vec<MetadataRecord>,
    /// The answer.
    pub response: Response,
}

/// Topics to create.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateTopics {
    /// The topics.
    pub topics: Vec<NewTopic>,
    /// Only judge.
    pub validate_only: bool,
}

/// A topic to create.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTopic {
    /// Its name.
    pub name: String,
    /// How many partitions; -1 for the default, and with `assignments`.
    pub partitions: i32,
    /// How many replicas of each; -1 for the default, and with `assignments`.
    pub replication_factor: i16,
    /// Explicit replicas: a partition's index and its brokers, the preferred leader first.
    pub assignments: Vec<(i32, Vec<NodeId>)>,
    /// Settings. A value of `None` is refused.
    pub configs: Vec<Setting>,
}

/// A topic that was created, or that would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreatedTopic {
    /// Its id; drawn also when only judged, as Kafka does.
    pub topic_id: Uuid,
    /// How many partitions it has.
    pub partitions: i32,
    /// How many replicas its first partition has.
    pub replication_factor: i16,
}

/// A topic to delete, by one of its two names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TopicRef {
    /// By name.
    Name(String),
    /// By id.
    Id(Uuid),
}

/// What became of a topic to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeletedTopic {
    /// Its name, if known.
    pub name: Option<String>,
    /// Its id; nil if not known.
    pub topic_id: Uuid,
    /// Whether it is deleted.
    pub result: Result<(), Refusal>,
}

/// Partitions to add.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreatePartitions {
    /// Topic by topic.
    pub topics: Vec<MorePartitions>,
    /// Only judge.
    pub validate_only: bool,
}

/// Partitions to add to one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MorePartitions {
    /// The topic.
    pub name: String,
    /// How many partitions it shall have.
    pub count: i32,
    /// Explicit replicas of the new ones, in order.
    pub assignments: Option<Vec<Vec<NodeId>>>,
}

/// What to do to a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConfigOperation {
    /// Give it the value.
    Set,
    /// Take it away.
    Delete,
    /// Add the value's parts to the list.
    Append,
    /// Take the value's parts out of the list.
    Subtract,
}

/// A change of one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigChange {
    /// The setting's key.
    pub key: String,
    /// What to do.
    pub operation: ConfigOperation,
    /// With what; not looked at by `Delete`.
    pub value: Option<String>,
}

/// A block of producer ids, the caller's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProducerIdBlock {
    /// The first id.
    pub first_producer_id: i64,
    /// How many.
    pub count: i32,
}

/// A broker that registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterBroker {
    /// `node.id`.
    pub broker_id: NodeId,
    /// The id of the cluster that it means.
    pub cluster_id: String,
    /// Drawn when its process started.
    pub incarnation: Uuid,
    /// The advertised endpoints.
    pub endpoints: Vec<Endpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// The ids of its online log directories.
    pub log_dirs: Vec<Uuid>,
    /// The features that it can follow: name, lowest and highest level.
    pub features: Vec<(String, i16, i16)>,
}

/// A broker's sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerHeartbeat {
    /// The broker.
    pub broker_id: NodeId,
    /// The epoch of its registration.
    pub broker_epoch: i64,
    /// The offset of the last record that it has applied.
    pub current_metadata_offset: i64,
    /// It wishes to be fenced.
    pub want_fence: bool,
    /// It wishes to leave in order.
    pub want_shut_down: bool,
}

/// The answer to a broker's sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeartbeatAnswer {
    /// It has applied its own registration.
    pub is_caught_up: bool,
    /// It is fenced.
    pub is_fenced: bool,
    /// It may stop.
    pub should_shut_down: bool,
}

/// How a feature's level may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpgradeType {
    /// Only up.
    Upgrade,
    /// Down, if nothing is lost.
    SafeDowngrade,
    /// Down, whatever is lost.
    UnsafeDowngrade,
}

/// A feature's new level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeatureUpdate {
    /// The feature.
    pub feature: String,
    /// The new level; 0 takes it away.
    pub level: i16,
    /// How it may move.
    pub upgrade_type: UpgradeType,
}

/// Partitions to move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reassign {
    /// Partition by partition.
    pub partitions: Vec<ReassignPartition>,
    /// A partition may get more or fewer replicas than it has.
    pub allow_replication_factor_change: bool,
}

/// A partition to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReassignPartition {
    /// Its topic.
    pub topic: String,
    /// Its index.
    pub partition: i32,
    /// Where to, the preferred leader first; `None` takes the move back that is under way.
    pub replicas: Option<Vec<NodeId>>,
}

/// A part of a quota's entity: its kind, and its name, which the default has not.
pub type QuotaEntityPart = (String, Option<String>);

/// What to do to the quotas of one entity: all of it or nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuotaAlteration {
    /// The entity's parts.
    pub entity: Vec<QuotaEntityPart>,
    /// The keys and their new values; `None` takes a quota away.
    pub operations: Vec<(String, Option<QuotaValue>)>,
}

/// Credentials to set and to take away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScramAlteration {
    /// To take away.
    pub deletions: Vec<ScramDeletion>,
    /// To set.
    pub upsertions: Vec<ScramUpsertion>,
}

/// A credential to take away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramDeletion {
    /// The user.
    pub user: String,
    /// Kafka's number of the mechanism.
    pub mechanism: i8,
}

/// A credential to set.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramUpsertion {
    /// The user.
    pub user: String,
    /// Kafka's number of the mechanism.
    pub mechanism: i8,
    /// How often the password was hashed.
    pub iterations: i32,
    /// With what.
    pub salt: Vec<u8>,
    /// The result, which is as good as the password.
    pub salted_password: Vec<u8>,
}

impl fmt::Debug for ScramUpsertion {
    /// Without the secret: requests are logged.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScramUpsertion({}, mechanism {})", self.user, self.mechanism)
    }
}
