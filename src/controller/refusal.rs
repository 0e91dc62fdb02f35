//! Why the controller says no, in words; each carries the text that Kafka's tools print.

use thiserror::Error;

/// Why a request, or one item of it, was refused. Nothing of a refused item is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// `TOPIC_ALREADY_EXISTS`.
    #[error("{0}")]
    TopicAlreadyExists(String),
    /// `INVALID_TOPIC_EXCEPTION`: the name cannot be a topic's.
    #[error("{0}")]
    InvalidTopic(String),
    /// `INVALID_PARTITIONS`.
    #[error("{0}")]
    InvalidPartitions(String),
    /// `INVALID_REPLICATION_FACTOR`.
    #[error("{0}")]
    InvalidReplicationFactor(String),
    /// `INVALID_REPLICA_ASSIGNMENT`.
    #[error("{0}")]
    InvalidReplicaAssignment(String),
    /// `INVALID_CONFIG`.
    #[error("{0}")]
    InvalidConfig(String),
    /// `INVALID_REQUEST`.
    #[error("{0}")]
    InvalidRequest(String),
    /// `POLICY_VIOLATION`.
    #[error("{0}")]
    PolicyViolation(String),
    /// `UNKNOWN_TOPIC_OR_PARTITION`.
    #[error("{0}")]
    UnknownTopicOrPartition(String),
    /// `UNKNOWN_TOPIC_ID`.
    #[error("This server does not host this topic ID.")]
    UnknownTopicId,
    /// `TOPIC_DELETION_DISABLED`.
    #[error("Topic deletion is disabled.")]
    TopicDeletionDisabled,
    /// `REASSIGNMENT_IN_PROGRESS`.
    #[error("A partition reassignment is in progress for the topic '{0}'.")]
    ReassignmentInProgress(String),
    /// `BROKER_ID_NOT_REGISTERED`.
    #[error("{0}")]
    BrokerIdNotRegistered(String),
    /// `STALE_BROKER_EPOCH`.
    #[error("{0}")]
    StaleBrokerEpoch(String),
    /// `DUPLICATE_BROKER_REGISTRATION`: another process under the same id is alive.
    #[error(
        "Another broker is registered with that broker id. If the broker was recently restarted this should \
         self-resolve once the heartbeat manager expires the broker's session."
    )]
    DuplicateBrokerRegistration,
    /// `INCONSISTENT_CLUSTER_ID`.
    #[error("Expected cluster ID {expected}, but got cluster ID {got}")]
    InconsistentClusterId {
        /// This cluster's id.
        expected: String,
        /// The caller's.
        got: String,
    },
    /// `UNSUPPORTED_VERSION`: the broker cannot follow a finalized feature.
    #[error("{0}")]
    UnsupportedVersion(String),
    /// `INVALID_UPDATE_VERSION`: a feature's new level.
    #[error("{0}")]
    InvalidUpdateVersion(String),
    /// `ELECTION_NOT_NEEDED`.
    #[error("Leader election not needed for topic partition.")]
    ElectionNotNeeded,
    /// `PREFERRED_LEADER_NOT_AVAILABLE`.
    #[error("The preferred leader was not available.")]
    PreferredLeaderNotAvailable,
    /// `ELIGIBLE_LEADERS_NOT_AVAILABLE`.
    #[error("Eligible topic partition leaders are not available.")]
    EligibleLeadersNotAvailable,
    /// `NO_REASSIGNMENT_IN_PROGRESS`.
    #[error("No partition reassignment is in progress.")]
    NoReassignmentInProgress,
    /// `UNACCEPTABLE_CREDENTIAL`.
    #[error("{0}")]
    UnacceptableCredential(String),
    /// `UNSUPPORTED_SASL_MECHANISM`.
    #[error("{0}")]
    UnsupportedSaslMechanism(String),
    /// `RESOURCE_NOT_FOUND`.
    #[error("{0}")]
    ResourceNotFound(String),
    /// `DUPLICATE_RESOURCE`.
    #[error("{0}")]
    DuplicateResource(String),
    /// `UNKNOWN_SERVER_ERROR`: the producer ids have run out.
    #[error("Exhausted all producerIds as the next block's end producerId has exceeded the int64 type limit")]
    ProducerIdsExhausted,
}

impl Refusal {
    /// The refusal of a topic's name that nobody has, in the words that go with the error number.
    pub(super) fn unknown_topic() -> Self {
        Self::UnknownTopicOrPartition("This server does not host this topic-partition.".to_owned())
    }
}
