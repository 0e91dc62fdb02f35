//! A step's records as batches for the log.

use super::journal::JournalError;
use crate::record::build::{BatchBuilder, BuildError};
use crate::record::validate::ValidBatch;
use crate::shard::{BatchProducer, Machine};

/// One batch with the records that are in it.
pub(super) struct Packed<R> {
    pub(super) batch: ValidBatch,
    pub(super) records: Vec<R>,
}

/// Packs records into one batch or, if they may be divided, into as many as keep below `max_bytes` each.
pub(super) fn pack<M: Machine>(
    records: Vec<M::Record>,
    producer: Option<BatchProducer>,
    divisible: bool,
    max_bytes: usize,
    wall_ms: i64,
) -> Result<Vec<Packed<M::Record>>, JournalError> {
    let mut packed = Vec::new();
    let mut builder = begin(producer);
    let mut held = Vec::new();
    for record in records {
        let (key, value) = M::encode(&record).map_err(|_| JournalError::TooLarge)?;
        let grown = builder.size_bytes() + key.len() + value.as_ref().map_or(0, Vec::len) + RECORD_OVERHEAD_BYTES;
        if divisible && builder.record_count() > 0 && grown > max_bytes {
            let full = std::mem::replace(&mut builder, begin(producer));
            packed.push(Packed { batch: built(full)?, records: std::mem::take(&mut held) });
        }
        builder.append(wall_ms, Some(&key), value.as_deref(), &[]);
        held.push(record);
    }
    if !held.is_empty() {
        packed.push(Packed { batch: built(builder)?, records: held });
    }
    match packed.iter().any(|packed| packed.batch.bytes.len() > max_bytes) {
        true => Err(JournalError::TooLarge),
        false => Ok(packed),
    }
}

/// Most bytes that a record adds to its key and value.
const RECORD_OVERHEAD_BYTES: usize = 40;

/// A batch of nobody, or one of a producer's transaction: without a sequence, as Kafka's coordinators write it.
fn begin(producer: Option<BatchProducer>) -> BatchBuilder {
    match producer {
        Some(producer) => BatchBuilder::new().producer(producer.producer_id, producer.epoch, -1).transactional(),
        None => BatchBuilder::new(),
    }
}

fn built(builder: BatchBuilder) -> Result<ValidBatch, JournalError> {
    builder.build().map_err(|error| match error {
        BuildError::TooLarge(_) => JournalError::TooLarge,
        other => JournalError::Corrupt(other.to_string()),
    })
}
