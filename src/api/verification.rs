//! Asks a transaction's coordinator, on behalf of a partition's leader, whether the transaction is open there, or to add
//! the partition to it (KIP-890); and what of its answer a client hears (X6, X7).

use super::error::ErrorCode;
use super::Services;
use crate::ids::{TopicPartition, Verification};
use crate::log::ToVerify;
use crate::replica::AppendError;
use crate::txn::request::AddPartitionsToTxn;
use crate::txn::{Text, TxnError};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a client's request lets the leader do: Kafka's name for what follows from its version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TransactionSupportedOperation {
    /// The client adds partitions itself, and knows no error that means "abort".
    DefaultError,
    /// The client adds partitions itself, and knows TRANSACTION_ABORTABLE.
    GenericErrorSupported,
    /// The leader adds partitions, and epochs grow with every transaction.
    AddPartition,
}

impl TransactionSupportedOperation {
    /// What a Produce of this version lets the leader do.
    pub(super) fn of_produce(version: i16) -> Self {
        match version {
            12.. => Self::AddPartition,
            11 => Self::GenericErrorSupported,
            _ => Self::DefaultError,
        }
    }

    /// What a TxnOffsetCommit of this version lets the leader do.
    pub(super) fn of_txn_offset_commit(version: i16) -> Self {
        match version {
            5.. => Self::AddPartition,
            4 => Self::GenericErrorSupported,
            _ => Self::DefaultError,
        }
    }

    /// Whether epochs grow with every transaction.
    pub(super) fn epoch_grows(self) -> bool {
        self == Self::AddPartition
    }
}

/// In whose transaction the partitions should be.
pub(super) struct InTransaction {
    pub(super) transactional_id: Text,
    pub(super) producer_id: i64,
    pub(super) producer_epoch: i16,
    pub(super) supported: TransactionSupportedOperation,
}

/// Why a partition is not, with the coordinator's own error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotInTransaction(pub(super) ErrorCode);

/// Why a partition's batch cannot be appended.
pub(super) enum Unverified {
    /// The partition does not take it, whatever its transaction.
    Append(AppendError),
    /// Its transaction is not there.
    NotInTransaction(NotInTransaction),
}

/// By which verification a batch may begin its transaction on a partition; none where it is open.
pub(super) type Verified = Result<Option<Verification>, Unverified>;

/// A partition with what came of beginning to verify a batch for it.
type Begun = (TopicPartition, Result<Option<Verification>, AppendError>);

/// The first wait for the transaction before, whose markers are mostly written by then. It doubles up to
/// `add.partitions.to.txn.retry.backoff.ms`, which Kafka waits from the start.
const FIRST_BACKOFF: Duration = Duration::from_millis(1);

/// What the coordinator says of the partitions that it was asked about.
type Answers = BTreeMap<TopicPartition, Option<TxnError>>;

/// Verifies batches, given as partition and first sequence, by asking the coordinator of their transaction; partitions that
/// are not here are left out. If the client leaves it to us to add them, the coordinator is asked again, each time under a
/// verification begun anew: while the transaction before is being ended, and where its marker came between the beginning
/// and the answer. Kafka has that last race too, and answers INVALID_TXN_STATE; here the epoch, which is the transaction's
/// own, lets us ask again.
pub(super) async fn verify(
    services: &Services,
    transaction: &InTransaction,
    batches: &[(TopicPartition, i32)],
) -> Vec<(TopicPartition, Verified)> {
    let supported = transaction.supported;
    let settings = &services.config.transactions;
    let ms = |ms: i32| Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    let longest = ms(settings.add_partitions_to_txn_retry_backoff_max_ms.min(settings.request_timeout_ms));
    let until = services.clock.elapsed() + longest;
    let mut backoff = FIRST_BACKOFF;
    let mut begun = begin(services, transaction, batches).await;
    loop {
        let asked = begun.iter().filter(|(_, begun)| matches!(begun, Ok(Some(_)))).map(|(place, _)| place.clone());
        let answers = ask(services, transaction, asked.collect()).await;
        let may_ask_again = supported.epoch_grows() && services.clock.elapsed() < until;
        if !may_ask_again || answers.is_empty() {
            return judged(begun, &answers, supported);
        }
        let is_busy = answers.values().any(|answer| *answer == Some(TxnError::ConcurrentTransactions));
        if is_busy {
            tokio::time::sleep(backoff.min(ms(settings.add_partitions_to_txn_retry_backoff_ms))).await;
            backoff *= 2;
        }
        let again = begin(services, transaction, batches).await;
        if !is_busy && !has_lapsed(&begun, &again) {
            return judged(again, &answers, supported);
        }
        begun = again;
    }
}

async fn begin(services: &Services, transaction: &InTransaction, batches: &[(TopicPartition, i32)]) -> Vec<Begun> {
    let mut all = Vec::with_capacity(batches.len());
    for (place, base_sequence) in batches {
        let Ok(partition) = services.replicas.partition(&place.topic, place.partition) else { continue };
        let batch = ToVerify {
            producer_id: transaction.producer_id,
            producer_epoch: transaction.producer_epoch,
            base_sequence: *base_sequence,
            epoch_grows: transaction.supported.epoch_grows(),
        };
        all.push((place.clone(), partition.begin_verification(batch, services.clock.now()).await));
    }
    all
}

/// What the coordinator says of each partition.
async fn ask(services: &Services, transaction: &InTransaction, partitions: Vec<TopicPartition>) -> Answers {
    if partitions.is_empty() {
        return Answers::new();
    }
    let all = partitions.clone();
    let epoch_grows = transaction.supported.epoch_grows();
    let asked = AddPartitionsToTxn {
        transactional_id: transaction.transactional_id.clone(),
        producer_id: transaction.producer_id,
        producer_epoch: transaction.producer_epoch,
        verify_only: !epoch_grows,
        client_version: if epoch_grows { 2 } else { 0 },
        partitions,
    };
    match services.transactions.execute(asked).await {
        Ok(reply) => reply.results.into_iter().collect(),
        Err(error) => all.into_iter().map(|place| (place, Some(error))).collect(),
    }
}

/// Whether a verification has been voided since: then the answer may be older than the marker that did it.
fn has_lapsed(before: &[Begun], now: &[Begun]) -> bool {
    let lapsed = |(before, now): (&Begun, &Begun)| match (&before.1, &now.1) {
        (Ok(Some(before)), Ok(Some(now))) => before != now,
        // A partition of which nothing was asked, as its transaction was open then.
        (Ok(None), Ok(Some(_))) => true,
        _ => false,
    };
    before.len() != now.len() || before.iter().zip(now).any(lapsed)
}

/// The answers beside the verifications that they are about.
fn judged(
    begun: Vec<Begun>,
    answers: &Answers,
    supported: TransactionSupportedOperation,
) -> Vec<(TopicPartition, Verified)> {
    let judge = |(place, begun): Begun| {
        let verified = match begun {
            Err(error) => Err(Unverified::Append(error)),
            Ok(None) => Ok(None),
            Ok(Some(verification)) => {
                let answer = answers.get(&place).copied().unwrap_or(Some(TxnError::UnknownServerError));
                outcome(answer, supported).map(|()| Some(verification)).map_err(Unverified::NotInTransaction)
            }
        };
        (place, verified)
    };
    begun.into_iter().map(judge).collect()
}

/// The coordinator's word, for a leader: fencing shows as the producer's epoch, and what older clients do not know as what
/// they do.
fn outcome(error: Option<TxnError>, supported: TransactionSupportedOperation) -> Result<(), NotInTransaction> {
    let Some(error) = error else { return Ok(()) };
    let default_error = supported == TransactionSupportedOperation::DefaultError;
    Err(NotInTransaction(match error {
        TxnError::ProducerFenced => ErrorCode::InvalidProducerEpoch,
        TxnError::TransactionAbortable if default_error => ErrorCode::InvalidTxnState,
        error => ErrorCode::from(error),
    }))
}

impl NotInTransaction {
    /// What a producer hears: trouble with the coordinator as NOT_ENOUGH_REPLICAS, which every client tries again without
    /// asking for metadata first.
    pub(super) fn to_producer(self, supported: TransactionSupportedOperation) -> (ErrorCode, Option<String>) {
        let Self(error) = self;
        match error {
            ErrorCode::InvalidTxnState => (error, Some("Partition was not added to the transaction".to_owned())),
            ErrorCode::ConcurrentTransactions if supported.epoch_grows() => (error, None),
            ErrorCode::ConcurrentTransactions
            | ErrorCode::CoordinatorLoadInProgress
            | ErrorCode::CoordinatorNotAvailable
            | ErrorCode::NotCoordinator => {
                let why = format!(
                    "Unable to verify the partition has been added to the transaction. Underlying error: {error:?}"
                );
                (ErrorCode::NotEnoughReplicas, Some(why))
            }
            error => (error, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TransactionSupportedOperation::{AddPartition, DefaultError, GenericErrorSupported};
    use super::*;

    #[test]
    fn x6_x7_what_a_producer_hears_of_its_coordinator() {
        let hears = |error, supported| outcome(Some(error), supported).unwrap_err().to_producer(supported).0;
        for (error, old, newer, newest) in [
            (TxnError::TransactionAbortable, ErrorCode::InvalidTxnState, ErrorCode::TransactionAbortable, None),
            (TxnError::ProducerFenced, ErrorCode::InvalidProducerEpoch, ErrorCode::InvalidProducerEpoch, None),
            (
                TxnError::InvalidProducerIdMapping,
                ErrorCode::InvalidProducerIdMapping,
                ErrorCode::InvalidProducerIdMapping,
                None,
            ),
            (TxnError::NotCoordinator, ErrorCode::NotEnoughReplicas, ErrorCode::NotEnoughReplicas, None),
            (TxnError::CoordinatorLoadInProgress, ErrorCode::NotEnoughReplicas, ErrorCode::NotEnoughReplicas, None),
            (
                TxnError::ConcurrentTransactions,
                ErrorCode::NotEnoughReplicas,
                ErrorCode::NotEnoughReplicas,
                Some(ErrorCode::ConcurrentTransactions),
            ),
        ] {
            assert_eq!(hears(error, DefaultError), old, "{error:?}");
            assert_eq!(hears(error, GenericErrorSupported), newer, "{error:?}");
            assert_eq!(hears(error, AddPartition), newest.unwrap_or(newer), "{error:?}");
        }
        assert_eq!(outcome(None, DefaultError), Ok(()));
    }

    #[test]
    fn x7_versions_say_who_adds_partitions() {
        use TransactionSupportedOperation as Operation;
        let produce: Vec<_> = [3, 10, 11, 12, 13].map(Operation::of_produce).into();
        assert_eq!(produce, [DefaultError, DefaultError, GenericErrorSupported, AddPartition, AddPartition]);
        let commit: Vec<_> = [0, 3, 4, 5].map(Operation::of_txn_offset_commit).into();
        assert_eq!(commit, [DefaultError, DefaultError, GenericErrorSupported, AddPartition]);
    }
}
