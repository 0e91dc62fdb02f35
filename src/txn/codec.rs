//! A shard's records as Kafka's own bytes, and back.

use super::records::{Record, Transaction};
use super::state::State;
use super::Text;
use crate::ids::TopicPartition;
use crate::record::internal::transactions::{decode_key, encode_key, TopicPartitions, TransactionValue};
use crate::record::internal::FieldError;

impl Record {
    /// Key, and value or tombstone. Fails on a text of more than 32,767 bytes, which no record can hold.
    pub fn encode(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        let key = encode_key(&self.transactional_id)?;
        let value = self.value.as_ref().map(|value| to_value(value).encode(self.version)).transpose()?;
        Ok((key, value))
    }

    /// Reads a record; none if it is of a kind, or in a state, that is not known here.
    pub fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, FieldError> {
        let Some(transactional_id) = decode_key(key)? else { return Ok(None) };
        let transactional_id = Text::from(transactional_id);
        let Some(value) = value else {
            return Ok(Some(Self { transactional_id, value: None, version: 0 }));
        };
        let (value, version) = TransactionValue::decode(value)?;
        let Some(state) = State::from_number(value.status) else { return Ok(None) };
        Ok(Some(Self { transactional_id, value: Some(from_value(value, state)), version }))
    }
}

fn to_value(value: &Transaction) -> TransactionValue {
    let mut topics: Vec<TopicPartitions> = Vec::new();
    for TopicPartition { topic, partition } in &value.partitions {
        match topics.last_mut() {
            Some(last) if *last.topic == **topic => last.partitions.push(*partition),
            _ => topics.push(TopicPartitions { topic: topic.to_string(), partitions: vec![*partition] }),
        }
    }
    TransactionValue {
        producer_id: value.producer_id,
        previous_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        producer_epoch: value.producer_epoch,
        next_producer_epoch: -1,
        timeout_ms: value.timeout_ms,
        status: value.state.number(),
        partitions: (value.state != State::Empty).then_some(topics),
        last_update_timestamp_ms: value.last_update_ms,
        start_timestamp_ms: value.start_ms,
        client_transaction_version: value.client_version,
    }
}

fn from_value(value: TransactionValue, state: State) -> Transaction {
    let each = |topic: TopicPartitions| {
        let name = Text::from(topic.topic);
        topic.partitions.into_iter().map(move |partition| TopicPartition::new(name.clone(), partition))
    };
    Transaction {
        producer_id: value.producer_id,
        previous_producer_id: value.previous_producer_id,
        next_producer_id: value.next_producer_id,
        producer_epoch: value.producer_epoch,
        timeout_ms: value.timeout_ms,
        state,
        partitions: value.partitions.unwrap_or_default().into_iter().flat_map(each).collect(),
        last_update_ms: value.last_update_timestamp_ms,
        start_ms: value.start_timestamp_ms,
        client_version: value.client_transaction_version,
    }
}
