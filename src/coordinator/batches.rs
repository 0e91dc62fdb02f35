//! A step's records as batches for the log.

use super::journal::JournalError;
use crate::group::Record;
use crate::record::build::{BatchBuilder, BuildError};
use crate::record::validate::ValidBatch;

/// One batch with the records that are in it.
pub(super) struct Packed {
    pub(super) batch: ValidBatch,
    pub(super) records: Vec<Record>,
}

/// Packs records into one batch or, if they may be divided, into as many as keep below `max_bytes` each.
pub(super) fn pack(
    records: Vec<Record>,
    divisible: bool,
    max_bytes: usize,
    wall_ms: i64,
) -> Result<Vec<Packed>, JournalError> {
    let mut packed = Vec::new();
    let mut builder = BatchBuilder::new();
    let mut held = Vec::new();
    for record in records {
        let (key, value) = record.encode().map_err(|_| JournalError::TooLarge)?;
        let grown = builder.size_bytes() + key.len() + value.as_ref().map_or(0, Vec::len) + RECORD_OVERHEAD_BYTES;
        if divisible && builder.record_count() > 0 && grown > max_bytes {
            let full = std::mem::take(&mut builder);
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

fn built(builder: BatchBuilder) -> Result<ValidBatch, JournalError> {
    builder.build().map_err(|error| match error {
        BuildError::TooLarge(_) => JournalError::TooLarge,
        other => JournalError::Corrupt(other.to_string()),
    })
}
