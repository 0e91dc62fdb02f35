//! What can be asked of the transaction coordinator and what it answers: plain Rust, no wire types.
//!
//! Versions of the wire protocol show here only as what they mean.

use super::error::TxnError;
use super::state::State;
use super::Text;
use crate::ids::TopicPartition;

/// InitProducerId with a transactional id, versions 0 to 5.
#[derive(Clone, Debug)]
pub struct InitProducerId {
    /// The transactional id.
    pub transactional_id: Text,
    /// After how long its transactions are aborted, ms.
    pub timeout_ms: i32,
    /// The id and epoch that the producer has, if it goes on after an error (KIP-360).
    pub expected: Option<(i64, i16)>,
    /// An id that nobody has had, after an answer that asks for one.
    pub fresh_producer_id: Option<i64>,
}

/// The answer to [`InitProducerId`] and [`EndTxn`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProducerReply {
    /// The producer's id and epoch from now on; −1 both where Kafka does not tell them.
    Producer {
        /// The id.
        producer_id: i64,
        /// The epoch.
        epoch: i16,
    },
    /// Refused.
    Refused(TxnError),
    /// Nothing has happened: to be asked again with an id that nobody has had.
    NeedsProducerId,
}

impl ProducerReply {
    /// Done, and nothing to tell of it.
    pub const UNTOLD: Self = Self::Producer { producer_id: -1, epoch: -1 };
}

/// AddPartitionsToTxn, versions 0 to 5, and a group's partition by AddOffsetsToTxn.
#[derive(Clone, Debug)]
pub struct AddPartitionsToTxn {
    /// The transactional id.
    pub transactional_id: Text,
    /// The producer's id.
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// Only ask whether they are in the transaction (KIP-890, part 1).
    pub verify_only: bool,
    /// The transaction version that the client speaks: 2 if a broker asks on behalf of a Produce, else 0.
    pub client_version: i16,
    /// The partitions.
    pub partitions: Vec<TopicPartition>,
}

/// The answer to [`AddPartitionsToTxn`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddPartitionsToTxnReply {
    /// Each partition in the request's order; a refusal as a whole stands at every partition.
    pub results: Vec<(TopicPartition, Option<TxnError>)>,
}

/// EndTxn, versions 0 to 5.
#[derive(Clone, Debug)]
pub struct EndTxn {
    /// The transactional id.
    pub transactional_id: Text,
    /// The producer's id.
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// Commit, not abort.
    pub commit: bool,
    /// The transaction version that the client speaks: 2 from version 5 on, else 0.
    pub client_version: i16,
    /// An id that nobody has had, after an answer that asks for one.
    pub fresh_producer_id: Option<i64>,
}

/// One id of a DescribeTransactions, version 0.
#[derive(Clone, Debug)]
pub struct DescribeTransaction {
    /// The transactional id.
    pub transactional_id: Text,
}

/// A transactional id as it now is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescribedTransaction {
    /// Where its transaction stands.
    pub state: State,
    /// After how long its transactions are aborted, ms.
    pub timeout_ms: i32,
    /// When the transaction began, ms since the epoch; −1 for none.
    pub start_timestamp_ms: i64,
    /// The producer's id.
    pub producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// Its partitions; of a transaction that ends, those without a marker.
    pub partitions: Vec<TopicPartition>,
}

/// The answer to [`DescribeTransaction`].
pub type DescribeTransactionReply = Result<DescribedTransaction, TxnError>;

/// ListTransactions, versions 0 to 2, asked of every shard. All filters must let a transactional id pass.
#[derive(Clone, Debug, Default)]
pub struct ListTransactions {
    /// Only these states; none for all.
    pub states: Option<Vec<State>>,
    /// Only these producers; empty for all.
    pub producer_ids: Vec<i64>,
    /// Only transactions that began longer ago than this, ms; negative for all.
    pub duration_ms: i64,
}

/// One listed transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedTransaction {
    /// The transactional id.
    pub transactional_id: Text,
    /// Its producer's id.
    pub producer_id: i64,
    /// Where its transaction stands.
    pub state: State,
}

/// Any request about one transactional id.
#[derive(Clone, Debug)]
pub enum Request {
    /// See [`InitProducerId`].
    InitProducerId(InitProducerId),
    /// See [`AddPartitionsToTxn`].
    AddPartitionsToTxn(AddPartitionsToTxn),
    /// See [`EndTxn`].
    EndTxn(EndTxn),
    /// See [`DescribeTransaction`].
    DescribeTransaction(DescribeTransaction),
}

/// Any answer about one transactional id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To [`InitProducerId`] and [`EndTxn`].
    Producer(ProducerReply),
    /// See [`AddPartitionsToTxnReply`].
    AddPartitionsToTxn(AddPartitionsToTxnReply),
    /// See [`DescribeTransactionReply`].
    DescribeTransaction(DescribeTransactionReply),
}
