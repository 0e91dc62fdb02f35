//! Keys and values of `__transaction_state`: what a transactional id's producer is, and how far its transaction is.

use super::fields::{FieldError, Reader, Writer};

/// First version of the value that is flexible, and the newest that is known.
pub const FLEXIBLE_VERSION: i16 = 1;
/// The only kind of key there is.
const TRANSACTION_KEY: i16 = 0;

const PREVIOUS_PRODUCER_ID: u32 = 0;
const NEXT_PRODUCER_ID: u32 = 1;
const CLIENT_TRANSACTION_VERSION: u32 = 2;
const NEXT_PRODUCER_EPOCH: u32 = 3;

/// Reads a key; none if it is of a kind that is not known here.
pub fn decode_key(bytes: &[u8]) -> Result<Option<String>, FieldError> {
    let mut fields = Reader::new(bytes);
    match fields.i16()? {
        TRANSACTION_KEY => fields.string().map(Some),
        _ => Ok(None),
    }
}

/// Writes a key. A name over 32,767 bytes cannot be written.
pub fn encode_key(transactional_id: &str) -> Result<Vec<u8>, FieldError> {
    let mut fields = Writer::new(TRANSACTION_KEY, false);
    fields.string(transactional_id)?;
    Ok(fields.finish())
}

/// A transaction's partitions in one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPartitions {
    /// The topic's name.
    pub topic: String,
    /// Its partitions.
    pub partitions: Vec<i32>,
}

/// A transactional id's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionValue {
    /// The producer's id.
    pub producer_id: i64,
    /// The id before this state's; -1 for none. From version 1 on.
    pub previous_producer_id: i64,
    /// The id once this transaction has ended, if the epochs of the present one are used up; else -1. From version 1 on.
    pub next_producer_id: i64,
    /// The producer's epoch.
    pub producer_epoch: i16,
    /// The epoch to `next_producer_id`, which Kafka 4.4 writes for prepared transactions (KIP-939); -1 for none. From
    /// version 1 on.
    pub next_producer_epoch: i16,
    /// After how long the transaction is aborted, ms.
    pub timeout_ms: i32,
    /// The state's number.
    pub status: i8,
    /// What the transaction writes to; none where the state cannot have any.
    pub partitions: Option<Vec<TopicPartitions>>,
    /// When this was last changed, ms since the epoch.
    pub last_update_timestamp_ms: i64,
    /// When the transaction began, ms since the epoch; -1 for none.
    pub start_timestamp_ms: i64,
    /// The transaction version that the client spoke: 0 or 2. From version 1 on.
    pub client_transaction_version: i16,
}

impl TransactionValue {
    /// Reads versions 0 and 1; returns the version too.
    pub fn decode(bytes: &[u8]) -> Result<(Self, i16), FieldError> {
        let mut fields = Reader::new(bytes);
        let version = fields.i16()?;
        if !(0..=FLEXIBLE_VERSION).contains(&version) {
            return Err(FieldError::Version(version));
        }
        fields.flexible = version >= FLEXIBLE_VERSION;
        let mut value = Self {
            producer_id: fields.i64()?,
            previous_producer_id: -1,
            next_producer_id: -1,
            producer_epoch: fields.i16()?,
            next_producer_epoch: -1,
            timeout_ms: fields.i32()?,
            status: fields.i8()?,
            partitions: fields.nullable_list(TopicPartitions::LEAST_BYTES, TopicPartitions::decode)?,
            last_update_timestamp_ms: fields.i64()?,
            start_timestamp_ms: fields.i64()?,
            client_transaction_version: 0,
        };
        fields.tagged(|tag, mut field| {
            match tag {
                PREVIOUS_PRODUCER_ID => value.previous_producer_id = field.i64()?,
                NEXT_PRODUCER_ID => value.next_producer_id = field.i64()?,
                CLIENT_TRANSACTION_VERSION => value.client_transaction_version = field.i16()?,
                NEXT_PRODUCER_EPOCH => value.next_producer_epoch = field.i16()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok((value, version))
    }

    /// Writes one of the versions 0 and 1. Fields that version 0 lacks are left out.
    pub fn encode(&self, version: i16) -> Result<Vec<u8>, FieldError> {
        if !(0..=FLEXIBLE_VERSION).contains(&version) {
            return Err(FieldError::Version(version));
        }
        let mut fields = Writer::new(version, version >= FLEXIBLE_VERSION);
        fields.i64(self.producer_id);
        fields.i16(self.producer_epoch);
        fields.i32(self.timeout_ms);
        fields.i8(self.status);
        fields.nullable_list(self.partitions.as_deref(), |fields, topic| topic.encode(fields))?;
        fields.i64(self.last_update_timestamp_ms);
        fields.i64(self.start_timestamp_ms);
        let (previous, next) = (self.previous_producer_id.to_be_bytes(), self.next_producer_id.to_be_bytes());
        let (client, epoch) = (self.client_transaction_version.to_be_bytes(), self.next_producer_epoch.to_be_bytes());
        let tagged: [(u32, bool, &[u8]); 4] = [
            (PREVIOUS_PRODUCER_ID, self.previous_producer_id != -1, &previous),
            (NEXT_PRODUCER_ID, self.next_producer_id != -1, &next),
            (CLIENT_TRANSACTION_VERSION, self.client_transaction_version != 0, &client),
            (NEXT_PRODUCER_EPOCH, self.next_producer_epoch != -1, &epoch),
        ];
        let told: Vec<(u32, &[u8])> = tagged.iter().filter(|field| field.1).map(|field| (field.0, field.2)).collect();
        fields.tagged(&told);
        Ok(fields.finish())
    }
}

impl TopicPartitions {
    /// Two lengths and the tags, in the flexible version.
    const LEAST_BYTES: usize = 3;

    fn decode(fields: &mut Reader<'_>) -> Result<Self, FieldError> {
        let topic = Self { topic: fields.string()?, partitions: fields.list(4, Reader::i32)? };
        fields.skip_tagged()?;
        Ok(topic)
    }

    fn encode(&self, fields: &mut Writer) -> Result<(), FieldError> {
        fields.string(&self.topic)?;
        fields.list(&self.partitions, |fields, partition| {
            fields.i32(*partition);
            Ok(())
        })?;
        fields.tagged(&[]);
        Ok(())
    }
}
