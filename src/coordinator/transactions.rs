//! The transaction coordinator: the runtime over shards of transactions, and the way from a shard to its markers.

use super::deeds::Doer;
use super::markers::{MarkerError, MarkerWriter, TxnMarker};
use super::runtime::{Runtime, RuntimeSettings};
use crate::config::broker::BrokerConfig;
use crate::metadata::cache::MetadataCache;
use crate::shard::{Ask, Machine};
use crate::txn::request::{ListTransactions, ListedTransaction};
use crate::txn::{Deed, Event, Marked, Settings, Shard, TxnError};
use futures_util::future::BoxFuture;
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;

/// The topic that transactions live in.
pub const TRANSACTION_STATE: &str = Shard::TOPIC;

/// The transactional ids that one broker coordinates.
pub type Transactions = Runtime<Shard>;

impl RuntimeSettings<Settings> {
    /// What a broker's configuration says.
    pub fn of_transactions(config: &BrokerConfig) -> Self {
        let transactions = &config.transactions;
        let machine = Settings {
            max_timeout_ms: transactions.transaction_max_timeout_ms,
            timeout_interval_ms: i64::from(transactions.transaction_abort_timed_out_transaction_cleanup_interval_ms),
            expiration_ms: i64::from(transactions.transactional_id_expiration_ms),
            expiration_interval_ms: i64::from(transactions.transaction_remove_expired_transaction_cleanup_interval_ms),
        };
        let topic = config.topic_config(&BTreeMap::new());
        let max_batch_bytes = topic.max_message_bytes.min(transactions.transaction_state_log_segment_bytes);
        Self {
            machine,
            partitions: transactions.transaction_state_log_num_partitions,
            max_batch_bytes: usize::try_from(max_batch_bytes).unwrap_or(0),
            max_parked_replies: config.klamm.parked_replies_max,
            commit_timeout_ms: i64::from(transactions.request_timeout_ms),
        }
    }
}

impl Transactions {
    /// Asks the transactional id's shard. The step, and the append of its record, are done when this returns; the future
    /// is the wait for replication, and may be dropped.
    pub fn execute<A: Ask<Shard>>(
        self: &Arc<Self>,
        ask: A,
    ) -> impl Future<Output = Result<A::Reply, TxnError>> + Send + 'static {
        let begun = self.begin(ask, |caller, ask| Event::Request { caller, request: ask.into() });
        self.answered::<A>(begun)
    }

    /// The transactional ids of every shard here that pass the filters; shards that are not served are left out.
    pub fn list(
        self: &Arc<Self>,
        filters: ListTransactions,
    ) -> impl Future<Output = Result<Vec<ListedTransaction>, TxnError>> + Send + 'static {
        let this = Arc::clone(self);
        async move {
            let now = this.clock.now();
            this.survey(|shard| shard.list(&filters, now)).await
        }
    }
}

/// Has markers written for the shards of transactions.
pub struct Marking {
    /// Where they go.
    pub writer: Arc<dyn MarkerWriter>,
    /// Which partitions there are.
    pub metadata: Arc<MetadataCache>,
}

impl Doer<Shard> for Marking {
    fn perform(&self, deed: Deed, epoch: i32) -> BoxFuture<'static, Event> {
        let Deed::WriteMarkers {
            transactional_id,
            producer_id,
            producer_epoch,
            commit,
            transaction_version,
            partitions,
        } = deed;
        let image = self.metadata.current();
        let exists = |topic: &str, partition| {
            image.topic_by_name(topic).is_some_and(|topic| topic.partition(partition).is_some())
        };
        // A topic that the metadata does not know any more has nothing left to mark.
        let (there, gone): (Vec<_>, Vec<_>) =
            partitions.into_iter().partition(|place| exists(&place.topic, place.partition));
        let marker = TxnMarker { producer_id, producer_epoch, coordinator_epoch: epoch, commit, transaction_version };
        let written = (!there.is_empty()).then(|| self.writer.write(marker, there));
        Box::pin(async move {
            let mut outcomes: Vec<_> = gone.into_iter().map(|partition| (partition, Marked::Gone)).collect();
            if let Some(written) = written {
                let each = written.await.into_iter().map(|(partition, result)| {
                    let outcome =
                        result.map_or_else(|error| judge(&transactional_id, &partition, &error), |()| Marked::Written);
                    (partition, outcome)
                });
                outcomes.extend(each);
            }
            Event::Marked { transactional_id, producer_id, producer_epoch, outcomes }
        })
    }
}

/// What a marker's failure means for its transaction.
fn judge(transactional_id: &str, partition: &crate::ids::TopicPartition, error: &MarkerError) -> Marked {
    let outcome = match error {
        MarkerError::CoordinatorFenced => Marked::Fenced,
        // The partition has heard of a newer epoch, so the transaction of this one has ended there. Kafka gives the whole
        // transaction up here, and its transactional id answers CONCURRENT_TRANSACTIONS until the coordinator moves.
        MarkerError::InvalidProducerEpoch => Marked::Gone,
        MarkerError::NotLeader
        | MarkerError::UnknownTopicOrPartition
        | MarkerError::InvalidTxnState
        | MarkerError::NotEnoughReplicas
        | MarkerError::TimedOut
        | MarkerError::Storage(_) => Marked::Later,
    };
    tracing::info!("The marker of {transactional_id} for {partition} failed: {error}");
    outcome
}
