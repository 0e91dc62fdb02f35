//! Producer snapshots: the state before an offset, as a value of the index database.

use super::keys::Fields;
use super::producer_state::{BatchMark, Producer, ProducerState, WINDOW_BATCHES};
use smallvec::SmallVec;
use std::collections::BTreeMap;

const VERSION: u8 = 0;

/// Writes version, then per producer: id, epoch, coordinator epoch, last timestamp, transaction start (-1 without), and
/// the window by count.
pub fn encode(state: &ProducerState) -> Vec<u8> {
    let mut value = vec![VERSION];
    for (id, producer) in state.producers() {
        value.extend_from_slice(&id.to_be_bytes());
        value.extend_from_slice(&producer.epoch.to_be_bytes());
        value.extend_from_slice(&producer.coordinator_epoch.to_be_bytes());
        value.extend_from_slice(&producer.last_timestamp.to_be_bytes());
        value.extend_from_slice(&producer.transaction_start.unwrap_or(-1).to_be_bytes());
        value.push(producer.window.len() as u8);
        for mark in &producer.window {
            value.extend_from_slice(&mark.first_sequence.to_be_bytes());
            value.extend_from_slice(&mark.last_sequence.to_be_bytes());
            value.extend_from_slice(&mark.first_offset.to_be_bytes());
            value.extend_from_slice(&mark.last_offset.to_be_bytes());
            value.extend_from_slice(&mark.timestamp.to_be_bytes());
        }
    }
    value
}

/// Reads a snapshot of the state before `offset`; `None` where the value is none.
pub fn decode(offset: i64, value: &[u8]) -> Option<ProducerState> {
    let mut read = Fields(value);
    if read.take()? != [VERSION] {
        return None;
    }
    let mut producers = BTreeMap::new();
    while !read.0.is_empty() {
        let id = read.i64()?;
        let mut producer = Producer {
            epoch: i16::from_be_bytes(read.take()?),
            coordinator_epoch: i32::from_be_bytes(read.take()?),
            last_timestamp: read.i64()?,
            transaction_start: Some(read.i64()?).filter(|first| *first >= 0),
            window: SmallVec::new(),
        };
        let [count] = read.take()?;
        if usize::from(count) > WINDOW_BATCHES {
            return None;
        }
        for _ in 0..count {
            producer.window.push(BatchMark {
                first_sequence: i32::from_be_bytes(read.take()?),
                last_sequence: i32::from_be_bytes(read.take()?),
                first_offset: read.i64()?,
                last_offset: read.i64()?,
                timestamp: read.i64()?,
            });
        }
        producers.insert(id, producer);
    }
    Some(ProducerState::restored(offset, producers))
}
