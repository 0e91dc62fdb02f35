//! Transactional data: before anything is appended, the transaction's coordinator is asked about each partition where the
//! transaction is not open yet (X6, X7).

use super::Producing;
use crate::api::error::ErrorCode;
use crate::api::verification::{verify, InTransaction, TransactionSupportedOperation, Unverified};
use crate::ids::{TopicPartition, Verification};
use crate::record::header::{BatchHeader, MAGIC, TRANSACTIONAL_BIT};
use crate::record::validate::check_one_batch;
use kafka_protocol::messages::ProduceRequest;
use std::collections::BTreeMap;

/// Where a batch says which format it has, and what of its attributes says whose it is.
const MAGIC_AT: usize = 16;
const LOW_ATTRIBUTES_AT: usize = 22;

/// Why a partition's batch is not appended: an error, and why.
pub(super) type NotVerified = (ErrorCode, Option<String>);

/// What came of asking, for the partitions that it was asked about.
#[derive(Default)]
pub(super) struct Verified(BTreeMap<TopicPartition, Result<Option<Verification>, NotVerified>>);

impl Verified {
    /// By which verification a partition's batch may begin its transaction; none where it is open, or needs none.
    pub(super) fn of(&self, place: &TopicPartition) -> Result<Option<Verification>, NotVerified> {
        self.0.get(place).cloned().unwrap_or(Ok(None))
    }
}

/// Whether any batch belongs to a transaction. Looks at two bytes of each: all others are judged later.
pub(super) fn is_transactional(request: &ProduceRequest) -> bool {
    let mut partitions = request.topic_data.iter().flat_map(|topic| &topic.partition_data);
    partitions.any(|partition| {
        let records = partition.records.as_deref().unwrap_or_default();
        let attributes = records.get(LOW_ATTRIBUTES_AT).copied().unwrap_or_default();
        i16::from(attributes) & TRANSACTIONAL_BIT != 0 && records.get(MAGIC_AT) == Some(&(MAGIC as u8))
    })
}

/// The producer of a request's transactional batches, and where they go with their first sequences.
struct Found {
    producer_id: i64,
    producer_epoch: i16,
    batches: Vec<(TopicPartition, i32)>,
}

impl Producing<'_> {
    /// Sees to it that the batches' transaction is open where they go, or will be.
    ///
    /// # Errors
    /// The request as a whole is refused.
    pub(super) async fn verified(&self, request: &ProduceRequest) -> Result<Verified, ErrorCode> {
        let Some(transactional_id) = &request.transactional_id else {
            // Kafka: nobody is authorized for a transaction that has no name.
            return Err(ErrorCode::TransactionalIdAuthorizationFailed);
        };
        let Some(found) = self.transactional_batches(request)? else {
            return Ok(Verified::default());
        };
        let supported = TransactionSupportedOperation::of_produce(self.version);
        let transaction = InTransaction {
            transactional_id: transactional_id.as_str().into(),
            producer_id: found.producer_id,
            producer_epoch: found.producer_epoch,
            supported,
        };
        let each = verify(self.services, &transaction, &found.batches).await;
        let told = each.into_iter().map(|(place, verified)| {
            let refused = |refused| match refused {
                Unverified::Append(error) => (ErrorCode::from(&error), Some(error.to_string())),
                Unverified::NotInTransaction(why) => why.to_producer(supported),
            };
            (place, verified.map_err(refused))
        });
        Ok(Verified(told.collect()))
    }

    /// Those that are whole and go to a topic that may be written to; the others are refused before this matters.
    fn transactional_batches(&self, request: &ProduceRequest) -> Result<Option<Found>, ErrorCode> {
        let mut found: Option<Found> = None;
        for topic in &request.topic_data {
            let Ok(name) = self.topic_name(topic) else { continue };
            for partition in &topic.partition_data {
                let Some(records) = &partition.records else { continue };
                if check_one_batch(records, self.version >= 7).is_err() {
                    continue;
                }
                let Ok(header) = BatchHeader::parse(records) else { continue };
                if !header.is_transactional() || !header.has_producer_id() {
                    continue;
                }
                let BatchHeader { producer_id, producer_epoch, .. } = header;
                let found = found.get_or_insert(Found { producer_id, producer_epoch, batches: Vec::new() });
                if (found.producer_id, found.producer_epoch) != (producer_id, producer_epoch) {
                    return Err(ErrorCode::InvalidProducerIdMapping);
                }
                let place = TopicPartition::new(name.clone(), partition.index);
                found.batches.push((place, header.base_sequence));
            }
        }
        Ok(found)
    }
}
