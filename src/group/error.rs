//! The words in which a group's shard refuses. Kafka's error numbers for them stand in `api/`.

use crate::shard::Trouble;
use thiserror::Error;

/// Why a group request was refused. Each word is Kafka's error of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Error)]
pub enum GroupError {
    /// The group id is empty where a name is needed.
    #[error("the group id is invalid")]
    InvalidGroupId,
    /// The session timeout lies outside what the broker allows.
    #[error("the session timeout is not within the range allowed by the broker")]
    InvalidSessionTimeout,
    /// The member has to join again with the id that came with this error (KIP-394).
    #[error("the group member needs to have a valid member id before actually entering the group")]
    MemberIdRequired,
    /// The coordinator does not know this member.
    #[error("the coordinator is not aware of this member")]
    UnknownMemberId,
    /// No protocol that the whole group supports, or another protocol type.
    #[error("the member's supported protocols are incompatible with those of the group")]
    InconsistentGroupProtocol,
    /// The group has as many members as it may have (KIP-389).
    #[error("the group has reached its max size")]
    GroupMaxSizeReached,
    /// The group is between two generations: join again.
    #[error("the group is rebalancing, so a rejoin is needed")]
    RebalanceInProgress,
    /// The generation is not the group's present one.
    #[error("the generation id is not valid")]
    IllegalGeneration,
    /// Another member took over this instance id (KIP-345).
    #[error("another member with the same group instance id has replaced this one")]
    FencedInstanceId,
    /// There is no such group.
    #[error("the group id does not exist")]
    GroupIdNotFound,
    /// The group has members, or is no consumer group with members.
    #[error("the group is not empty")]
    NonEmptyGroup,
    /// An offset of a topic that the group reads cannot be deleted.
    #[error("deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it")]
    GroupSubscribedToTopic,
    /// The metadata committed with an offset is longer than allowed.
    #[error("the committed offset metadata is too large")]
    OffsetMetadataTooLarge,
    /// A transaction that commits this offset is still open (KIP-447).
    #[error("there are unstable offsets that need to be cleared")]
    UnstableOffsetCommit,
    /// The member's epoch is not what the coordinator knows: it must abandon its partitions and rejoin (KIP-848).
    #[error("the member epoch is fenced by the group coordinator")]
    FencedMemberEpoch,
    /// The instance id is still used by another member (KIP-848).
    #[error("the instance id is still used by another member in the consumer group")]
    UnreleasedInstanceId,
    /// No such server-side assignor (KIP-848).
    #[error("the assignor used by the consumer is not supported")]
    UnsupportedAssignor,
    /// The member's epoch is not what the coordinator knows: it may retry with its newest one (KIP-848).
    #[error("the member epoch is stale")]
    StaleMemberEpoch,
    /// The subscription's expression is none.
    #[error("the regular expression is not valid")]
    InvalidRegularExpression,
    /// This group or member needs another version of the request, or the protocol is turned off.
    #[error("the version of API is not supported")]
    UnsupportedVersion,
    /// This broker does not coordinate the group (any more).
    #[error("this is not the correct coordinator")]
    NotCoordinator,
    /// The coordinator reads its log: try again.
    #[error("the coordinator is loading and hence can't process requests")]
    CoordinatorLoadInProgress,
    /// The coordinator cannot persist now: look it up again.
    #[error("the coordinator is not available")]
    CoordinatorNotAvailable,
    /// The request contradicts itself.
    #[error("the request is malformed or contradicts itself")]
    InvalidRequest,
    /// The producer of a transactional commit has been replaced.
    #[error("the producer's epoch is not the newest")]
    InvalidProducerEpoch,
    /// The transaction of a transactional commit is not open (any more).
    #[error("the transaction is not open")]
    InvalidTxnState,
    /// What the request asks to keep cannot be stored.
    #[error("the server experienced an unexpected error when processing the request")]
    UnknownServerError,
}

impl From<Trouble> for GroupError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::NotCoordinator => Self::NotCoordinator,
            Trouble::LoadInProgress => Self::CoordinatorLoadInProgress,
            Trouble::NotAvailable => Self::CoordinatorNotAvailable,
            Trouble::TooLarge => Self::UnknownServerError,
            Trouble::InvalidProducerEpoch => Self::InvalidProducerEpoch,
            Trouble::InvalidTxnState => Self::InvalidTxnState,
        }
    }
}
