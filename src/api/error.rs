//! Words inside, numbers outside: Kafka's error numbers, and the one place where our errors become them.

use crate::controller::Refusal;
use crate::coordinator::MarkerError;
use crate::group::GroupError;
use crate::log::AppendRefused;
use crate::record::validate::BatchRefused;
use crate::replica::{AppendError, DeleteRecordsError, FetchError, ListOffsetError, PartitionError};
use crate::share::state::ShareStateError;
use crate::sharing::{SessionError, ShareError};
use crate::txn::TxnError;

/// A Kafka error code, by Kafka's name.
#[allow(missing_docs, reason = "the names are Kafka's own and say all there is to say")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i16)]
pub enum ErrorCode {
    UnknownServerError = -1,
    None = 0,
    OffsetOutOfRange = 1,
    CorruptMessage = 2,
    UnknownTopicOrPartition = 3,
    InvalidFetchSize = 4,
    LeaderNotAvailable = 5,
    NotLeaderOrFollower = 6,
    RequestTimedOut = 7,
    BrokerNotAvailable = 8,
    ReplicaNotAvailable = 9,
    MessageTooLarge = 10,
    StaleControllerEpoch = 11,
    OffsetMetadataTooLarge = 12,
    NetworkException = 13,
    CoordinatorLoadInProgress = 14,
    CoordinatorNotAvailable = 15,
    NotCoordinator = 16,
    InvalidTopicException = 17,
    RecordListTooLarge = 18,
    NotEnoughReplicas = 19,
    NotEnoughReplicasAfterAppend = 20,
    InvalidRequiredAcks = 21,
    IllegalGeneration = 22,
    InconsistentGroupProtocol = 23,
    InvalidGroupId = 24,
    UnknownMemberId = 25,
    InvalidSessionTimeout = 26,
    RebalanceInProgress = 27,
    InvalidCommitOffsetSize = 28,
    TopicAuthorizationFailed = 29,
    GroupAuthorizationFailed = 30,
    ClusterAuthorizationFailed = 31,
    InvalidTimestamp = 32,
    UnsupportedSaslMechanism = 33,
    IllegalSaslState = 34,
    UnsupportedVersion = 35,
    TopicAlreadyExists = 36,
    InvalidPartitions = 37,
    InvalidReplicationFactor = 38,
    InvalidReplicaAssignment = 39,
    InvalidConfig = 40,
    NotController = 41,
    InvalidRequest = 42,
    UnsupportedForMessageFormat = 43,
    PolicyViolation = 44,
    OutOfOrderSequenceNumber = 45,
    DuplicateSequenceNumber = 46,
    InvalidProducerEpoch = 47,
    InvalidTxnState = 48,
    InvalidProducerIdMapping = 49,
    InvalidTransactionTimeout = 50,
    ConcurrentTransactions = 51,
    TransactionCoordinatorFenced = 52,
    TransactionalIdAuthorizationFailed = 53,
    SecurityDisabled = 54,
    OperationNotAttempted = 55,
    KafkaStorageError = 56,
    LogDirNotFound = 57,
    SaslAuthenticationFailed = 58,
    UnknownProducerId = 59,
    ReassignmentInProgress = 60,
    DelegationTokenAuthDisabled = 61,
    DelegationTokenNotFound = 62,
    DelegationTokenOwnerMismatch = 63,
    DelegationTokenRequestNotAllowed = 64,
    DelegationTokenAuthorizationFailed = 65,
    DelegationTokenExpired = 66,
    InvalidPrincipalType = 67,
    NonEmptyGroup = 68,
    GroupIdNotFound = 69,
    FetchSessionIdNotFound = 70,
    InvalidFetchSessionEpoch = 71,
    ListenerNotFound = 72,
    TopicDeletionDisabled = 73,
    FencedLeaderEpoch = 74,
    UnknownLeaderEpoch = 75,
    UnsupportedCompressionType = 76,
    StaleBrokerEpoch = 77,
    OffsetNotAvailable = 78,
    MemberIdRequired = 79,
    PreferredLeaderNotAvailable = 80,
    GroupMaxSizeReached = 81,
    FencedInstanceId = 82,
    EligibleLeadersNotAvailable = 83,
    ElectionNotNeeded = 84,
    NoReassignmentInProgress = 85,
    GroupSubscribedToTopic = 86,
    InvalidRecord = 87,
    UnstableOffsetCommit = 88,
    ThrottlingQuotaExceeded = 89,
    ProducerFenced = 90,
    ResourceNotFound = 91,
    DuplicateResource = 92,
    UnacceptableCredential = 93,
    InconsistentVoterSet = 94,
    InvalidUpdateVersion = 95,
    FeatureUpdateFailed = 96,
    PrincipalDeserializationFailure = 97,
    SnapshotNotFound = 98,
    PositionOutOfRange = 99,
    UnknownTopicId = 100,
    DuplicateBrokerRegistration = 101,
    BrokerIdNotRegistered = 102,
    InconsistentTopicId = 103,
    InconsistentClusterId = 104,
    TransactionalIdNotFound = 105,
    FetchSessionTopicIdError = 106,
    IneligibleReplica = 107,
    NewLeaderElected = 108,
    OffsetMovedToTieredStorage = 109,
    FencedMemberEpoch = 110,
    UnreleasedInstanceId = 111,
    UnsupportedAssignor = 112,
    StaleMemberEpoch = 113,
    MismatchedEndpointType = 114,
    UnsupportedEndpointType = 115,
    UnknownControllerId = 116,
    UnknownSubscriptionId = 117,
    TelemetryTooLarge = 118,
    InvalidRegistration = 119,
    TransactionAbortable = 120,
    InvalidRecordState = 121,
    ShareSessionNotFound = 122,
    InvalidShareSessionEpoch = 123,
    FencedStateEpoch = 124,
    InvalidVoterKey = 125,
    DuplicateVoter = 126,
    VoterNotFound = 127,
    InvalidRegularExpression = 128,
    RebootstrapRequired = 129,
    StreamsInvalidTopology = 130,
    StreamsInvalidTopologyEpoch = 131,
    StreamsTopologyFenced = 132,
    ShareSessionLimitReached = 133,
    GroupDeletionFailed = 134,
    StreamsTopologyDescriptionUpdateFailed = 135,
    ControllerIdNotRegistered = 136,
}

impl ErrorCode {
    /// The number on the wire.
    pub fn code(self) -> i16 {
        self as i16
    }
}

impl From<SessionError> for ErrorCode {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotFound => Self::ShareSessionNotFound,
            SessionError::InvalidEpoch => Self::InvalidShareSessionEpoch,
            SessionError::LimitReached => Self::ShareSessionLimitReached,
        }
    }
}

impl From<&ShareError> for ErrorCode {
    fn from(error: &ShareError) -> Self {
        match error {
            ShareError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            ShareError::NotLeaderOrFollower => Self::NotLeaderOrFollower,
            ShareError::InvalidRecordState(_) => Self::InvalidRecordState,
            ShareError::InvalidRequest(_) => Self::InvalidRequest,
            ShareError::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            ShareError::Storage => Self::KafkaStorageError,
            ShareError::UnknownServerError(_) => Self::UnknownServerError,
        }
    }
}

impl From<ShareStateError> for ErrorCode {
    fn from(error: ShareStateError) -> Self {
        match error {
            ShareStateError::InvalidRequest(_) => Self::InvalidRequest,
            ShareStateError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            ShareStateError::FencedLeaderEpoch => Self::FencedLeaderEpoch,
            ShareStateError::FencedStateEpoch => Self::FencedStateEpoch,
            ShareStateError::NotCoordinator => Self::NotCoordinator,
            ShareStateError::CoordinatorLoadInProgress => Self::CoordinatorLoadInProgress,
            ShareStateError::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            ShareStateError::UnknownServerError => Self::UnknownServerError,
        }
    }
}

impl From<GroupError> for ErrorCode {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::InvalidGroupId => Self::InvalidGroupId,
            GroupError::InvalidSessionTimeout => Self::InvalidSessionTimeout,
            GroupError::MemberIdRequired => Self::MemberIdRequired,
            GroupError::UnknownMemberId => Self::UnknownMemberId,
            GroupError::InconsistentGroupProtocol => Self::InconsistentGroupProtocol,
            GroupError::GroupMaxSizeReached => Self::GroupMaxSizeReached,
            GroupError::RebalanceInProgress => Self::RebalanceInProgress,
            GroupError::IllegalGeneration => Self::IllegalGeneration,
            GroupError::FencedInstanceId => Self::FencedInstanceId,
            GroupError::GroupIdNotFound => Self::GroupIdNotFound,
            GroupError::NonEmptyGroup => Self::NonEmptyGroup,
            GroupError::GroupSubscribedToTopic => Self::GroupSubscribedToTopic,
            GroupError::OffsetMetadataTooLarge => Self::OffsetMetadataTooLarge,
            GroupError::UnstableOffsetCommit => Self::UnstableOffsetCommit,
            GroupError::FencedMemberEpoch => Self::FencedMemberEpoch,
            GroupError::UnreleasedInstanceId => Self::UnreleasedInstanceId,
            GroupError::UnsupportedAssignor => Self::UnsupportedAssignor,
            GroupError::StaleMemberEpoch => Self::StaleMemberEpoch,
            GroupError::InvalidRegularExpression => Self::InvalidRegularExpression,
            GroupError::UnsupportedVersion => Self::UnsupportedVersion,
            GroupError::NotCoordinator => Self::NotCoordinator,
            GroupError::CoordinatorLoadInProgress => Self::CoordinatorLoadInProgress,
            GroupError::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            GroupError::InvalidProducerEpoch => Self::InvalidProducerEpoch,
            GroupError::InvalidTxnState => Self::InvalidTxnState,
            GroupError::InvalidRequest => Self::InvalidRequest,
            GroupError::UnknownServerError => Self::UnknownServerError,
        }
    }
}

impl From<TxnError> for ErrorCode {
    fn from(error: TxnError) -> Self {
        match error {
            TxnError::InvalidRequest => Self::InvalidRequest,
            TxnError::InvalidTransactionTimeout => Self::InvalidTransactionTimeout,
            TxnError::InvalidProducerIdMapping => Self::InvalidProducerIdMapping,
            TxnError::ProducerFenced => Self::ProducerFenced,
            TxnError::ConcurrentTransactions => Self::ConcurrentTransactions,
            TxnError::InvalidTxnState => Self::InvalidTxnState,
            TxnError::TransactionAbortable => Self::TransactionAbortable,
            TxnError::TransactionalIdNotFound => Self::TransactionalIdNotFound,
            TxnError::NotCoordinator => Self::NotCoordinator,
            TxnError::CoordinatorLoadInProgress => Self::CoordinatorLoadInProgress,
            TxnError::CoordinatorNotAvailable => Self::CoordinatorNotAvailable,
            TxnError::UnknownServerError => Self::UnknownServerError,
        }
    }
}

impl From<&Refusal> for ErrorCode {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::TopicAlreadyExists(_) => Self::TopicAlreadyExists,
            Refusal::InvalidTopic(_) => Self::InvalidTopicException,
            Refusal::InvalidPartitions(_) => Self::InvalidPartitions,
            Refusal::InvalidReplicationFactor(_) => Self::InvalidReplicationFactor,
            Refusal::InvalidReplicaAssignment(_) => Self::InvalidReplicaAssignment,
            Refusal::InvalidConfig(_) => Self::InvalidConfig,
            Refusal::InvalidRequest(_) => Self::InvalidRequest,
            Refusal::PolicyViolation(_) => Self::PolicyViolation,
            Refusal::UnknownTopicOrPartition(_) => Self::UnknownTopicOrPartition,
            Refusal::UnknownTopicId => Self::UnknownTopicId,
            Refusal::TopicDeletionDisabled => Self::TopicDeletionDisabled,
            Refusal::ReassignmentInProgress(_) => Self::ReassignmentInProgress,
            Refusal::BrokerIdNotRegistered(_) => Self::BrokerIdNotRegistered,
            Refusal::StaleBrokerEpoch(_) => Self::StaleBrokerEpoch,
            Refusal::DuplicateBrokerRegistration => Self::DuplicateBrokerRegistration,
            Refusal::InconsistentClusterId { .. } => Self::InconsistentClusterId,
            Refusal::UnsupportedVersion(_) => Self::UnsupportedVersion,
            Refusal::InvalidUpdateVersion(_) => Self::InvalidUpdateVersion,
            Refusal::ElectionNotNeeded => Self::ElectionNotNeeded,
            Refusal::PreferredLeaderNotAvailable => Self::PreferredLeaderNotAvailable,
            Refusal::EligibleLeadersNotAvailable => Self::EligibleLeadersNotAvailable,
            Refusal::NoReassignmentInProgress => Self::NoReassignmentInProgress,
            Refusal::UnacceptableCredential(_) => Self::UnacceptableCredential,
            Refusal::UnsupportedSaslMechanism(_) => Self::UnsupportedSaslMechanism,
            Refusal::ResourceNotFound(_) => Self::ResourceNotFound,
            Refusal::DuplicateResource(_) => Self::DuplicateResource,
            Refusal::ProducerIdsExhausted => Self::UnknownServerError,
        }
    }
}

impl From<&PartitionError> for ErrorCode {
    fn from(error: &PartitionError) -> Self {
        match error {
            PartitionError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            PartitionError::NotLeader { .. } => Self::NotLeaderOrFollower,
            PartitionError::StorageError => Self::KafkaStorageError,
        }
    }
}

impl From<&AppendError> for ErrorCode {
    fn from(error: &AppendError) -> Self {
        match error {
            AppendError::NotLeader => Self::NotLeaderOrFollower,
            AppendError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            AppendError::NotEnoughReplicas { .. } => Self::NotEnoughReplicas,
            AppendError::NotEnoughReplicasAfterAppend => Self::NotEnoughReplicasAfterAppend,
            AppendError::Refused(refused) => Self::from(refused),
            AppendError::Storage(_) => Self::KafkaStorageError,
            AppendError::QueueFull | AppendError::TimedOut => Self::RequestTimedOut,
        }
    }
}

impl From<&AppendRefused> for ErrorCode {
    fn from(refused: &AppendRefused) -> Self {
        match refused {
            AppendRefused::OutOfOrderSequence { .. } => Self::OutOfOrderSequenceNumber,
            AppendRefused::InvalidProducerEpoch { .. } => Self::InvalidProducerEpoch,
            AppendRefused::InvalidTxnState { .. } | AppendRefused::NotVerified { .. } => Self::InvalidTxnState,
            AppendRefused::CoordinatorFenced { .. } => Self::TransactionCoordinatorFenced,
            AppendRefused::RecordListTooLarge { .. } => Self::RecordListTooLarge,
        }
    }
}

impl From<&BatchRefused> for ErrorCode {
    fn from(refused: &BatchRefused) -> Self {
        match refused {
            BatchRefused::Corrupt => Self::CorruptMessage,
            BatchRefused::TooLarge { .. } => Self::MessageTooLarge,
            BatchRefused::RecordListTooLarge => Self::RecordListTooLarge,
            BatchRefused::InvalidRecord { .. } => Self::InvalidRecord,
            BatchRefused::InvalidTimestamp { .. } => Self::InvalidTimestamp,
            BatchRefused::UnsupportedCompression => Self::UnsupportedCompressionType,
        }
    }
}

impl From<&MarkerError> for ErrorCode {
    fn from(error: &MarkerError) -> Self {
        match error {
            MarkerError::NotLeader => Self::NotLeaderOrFollower,
            MarkerError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            MarkerError::CoordinatorFenced => Self::TransactionCoordinatorFenced,
            MarkerError::InvalidProducerEpoch => Self::InvalidProducerEpoch,
            MarkerError::InvalidTxnState => Self::InvalidTxnState,
            MarkerError::NotEnoughReplicas => Self::NotEnoughReplicas,
            MarkerError::TimedOut => Self::RequestTimedOut,
            MarkerError::Storage(_) => Self::KafkaStorageError,
        }
    }
}

impl From<&FetchError> for ErrorCode {
    fn from(error: &FetchError) -> Self {
        match error {
            FetchError::NotLeader => Self::NotLeaderOrFollower,
            FetchError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            FetchError::FencedLeaderEpoch { .. } => Self::FencedLeaderEpoch,
            FetchError::UnknownLeaderEpoch { .. } => Self::UnknownLeaderEpoch,
            FetchError::OffsetOutOfRange { .. } => Self::OffsetOutOfRange,
            FetchError::Storage(_) => Self::KafkaStorageError,
        }
    }
}

impl From<&ListOffsetError> for ErrorCode {
    fn from(error: &ListOffsetError) -> Self {
        match error {
            ListOffsetError::Fetch(error) => Self::from(error),
            ListOffsetError::OffsetNotAvailable => Self::OffsetNotAvailable,
        }
    }
}

impl From<&DeleteRecordsError> for ErrorCode {
    fn from(error: &DeleteRecordsError) -> Self {
        match error {
            DeleteRecordsError::NotLeader => Self::NotLeaderOrFollower,
            DeleteRecordsError::UnknownTopicOrPartition => Self::UnknownTopicOrPartition,
            DeleteRecordsError::OffsetOutOfRange { .. } => Self::OffsetOutOfRange,
            DeleteRecordsError::PolicyViolation => Self::PolicyViolation,
            DeleteRecordsError::Storage(_) => Self::KafkaStorageError,
        }
    }
}
