//! Topics: making them, writing to them, reading from them.

use crate::records::{batches, Batch, Stored};
use crate::{error, text, topic_name, Client};
use bytes::Bytes;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::delete_records_response::DeleteRecordsPartitionResult;
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsPartitionResponse;
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use kafka_protocol::messages::{
    CreateTopicsRequest, DeleteRecordsRequest, DeleteTopicsRequest, FetchRequest, InitProducerIdRequest,
    ListOffsetsRequest, MetadataRequest, ProduceRequest,
};
use uuid::Uuid;

/// From this version on Produce and Fetch name topics by id.
pub const IDS_FROM: i16 = 13;
/// Every topic's and test's time-out in ms.
pub const TIMEOUT_MS: i32 = 30_000;

/// A topic by name and id.
#[derive(Clone, Debug)]
pub struct Topic {
    pub name: String,
    pub id: Uuid,
}

impl Topic {
    /// One that nobody has made.
    pub fn unknown(name: &str) -> Self {
        Self { name: name.to_owned(), id: Uuid::from_u128(0x1234_5678_9abc_def0_0fed_cba9_8765_4321) }
    }
}

/// A topic to be made.
pub fn creatable(name: &str, partitions: i32, configs: &[(&str, &str)]) -> CreatableTopic {
    let config = |(key, value): &(&str, &str)| {
        CreatableTopicConfig::default().with_name(text(key)).with_value(Some(text(value)))
    };
    CreatableTopic::default()
        .with_name(topic_name(name))
        .with_num_partitions(partitions)
        .with_replication_factor(1)
        .with_configs(configs.iter().map(config).collect())
}

/// A Produce of these partitions, each of its own topic entry.
pub fn produce_request(version: i16, acks: i16, partitions: &[(&Topic, i32, Option<Bytes>)]) -> ProduceRequest {
    let topics = partitions.iter().map(|(topic, index, records)| {
        let partition = PartitionProduceData::default().with_index(*index).with_records(records.clone());
        let entry = TopicProduceData::default().with_partition_data(vec![partition]);
        match version >= IDS_FROM {
            true => entry.with_topic_id(topic.id),
            false => entry.with_name(topic_name(&topic.name)),
        }
    });
    ProduceRequest::default().with_acks(acks).with_timeout_ms(TIMEOUT_MS).with_topic_data(topics.collect())
}

/// One topic's entry in a Fetch.
pub fn fetch_topic(version: i16, topic: &Topic, partitions: Vec<FetchPartition>) -> FetchTopic {
    let entry = FetchTopic::default().with_partitions(partitions);
    match version >= IDS_FROM {
        true => entry.with_topic_id(topic.id),
        false => entry.with_topic(topic_name(&topic.name)),
    }
}

/// A partition to be fetched from an offset, 1 MiB of it.
pub fn fetch_partition(index: i32, offset: i64) -> FetchPartition {
    FetchPartition::default().with_partition(index).with_fetch_offset(offset).with_partition_max_bytes(1 << 20)
}

/// A Fetch of these partitions and offsets that does not wait and makes no session.
pub fn fetch_request(version: i16, partitions: &[(&Topic, i32, i64)]) -> FetchRequest {
    let topics = partitions
        .iter()
        .map(|(topic, index, offset)| fetch_topic(version, topic, vec![fetch_partition(*index, *offset)]));
    FetchRequest::default().with_topics(topics.collect())
}

/// A ListOffsets of one partition.
pub fn list_offsets_request(topic: &Topic, index: i32, timestamp: i64) -> ListOffsetsRequest {
    let partition = ListOffsetsPartition::default().with_partition_index(index).with_timestamp(timestamp);
    let entry = ListOffsetsTopic::default().with_name(topic_name(&topic.name)).with_partitions(vec![partition]);
    ListOffsetsRequest::default().with_replica_id((-1).into()).with_topics(vec![entry])
}

/// A Metadata of topics by name that makes none.
pub fn metadata_request(version: i16, names: &[&str]) -> MetadataRequest {
    let topics = names.iter().map(|name| MetadataRequestTopic::default().with_name(Some(topic_name(name))));
    MetadataRequest::default().with_topics(Some(topics.collect())).with_allow_auto_topic_creation(version < 4)
}

impl Client {
    /// Makes a topic.
    pub fn create_topic(&mut self, name: &str, partitions: i32, configs: &[(&str, &str)]) -> Topic {
        let request = CreateTopicsRequest::default()
            .with_topics(vec![creatable(name, partitions, configs)])
            .with_timeout_ms(TIMEOUT_MS);
        let response = self.call(7, &request);
        let result = &response.topics[0];
        assert_eq!(error(result.error_code), None, "{name}: {:?}", result.error_message);
        Topic { name: name.to_owned(), id: result.topic_id }
    }

    /// Deletes a topic by name.
    pub fn delete_topic(&mut self, name: &str) {
        let request =
            DeleteTopicsRequest::default().with_topic_names(vec![topic_name(name)]).with_timeout_ms(TIMEOUT_MS);
        assert_eq!(error(self.call(5, &request).responses[0].error_code), None, "deleting {name}");
    }

    /// Deletes the records of a partition before `offset`, in version `version`.
    pub fn delete_records(
        &mut self,
        version: i16,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> DeleteRecordsPartitionResult {
        let partition = DeleteRecordsPartition::default().with_partition_index(partition).with_offset(offset);
        let topic = DeleteRecordsTopic::default().with_name(topic_name(topic)).with_partitions(vec![partition]);
        let request = DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(TIMEOUT_MS);
        let mut response = self.call(version, &request);
        response.topics.remove(0).partitions.remove(0)
    }

    /// What Metadata says of a topic, in the newest version.
    pub fn describe_topic(&mut self, name: &str) -> MetadataResponseTopic {
        let mut response = self.call(12, &metadata_request(12, &[name]));
        response.topics.remove(0)
    }

    /// Writes to one partition with acks -1, in the version before topic ids; what became of it.
    pub fn produce(&mut self, topic: &Topic, partition: i32, batch: &Batch) -> PartitionProduceResponse {
        self.produce_bytes(9, topic, partition, batch.encode())
    }

    /// Writes bytes to one partition with acks -1.
    pub fn produce_bytes(
        &mut self,
        version: i16,
        topic: &Topic,
        partition: i32,
        bytes: Bytes,
    ) -> PartitionProduceResponse {
        let mut response = self.call(version, &produce_request(version, -1, &[(topic, partition, Some(bytes))]));
        let mut of_topic = response.responses.remove(0);
        of_topic.partition_responses.remove(0)
    }

    /// Writes values to one partition; the offset of the first.
    pub fn append(&mut self, topic: &Topic, partition: i32, values: &[&str]) -> i64 {
        let response = self.produce(topic, partition, &Batch::of(values));
        assert_eq!(error(response.error_code), None, "{:?}", response.error_message);
        response.base_offset
    }

    /// Reads one partition once, in the version before topic ids, without waiting.
    pub fn fetch(&mut self, topic: &Topic, partition: i32, offset: i64) -> PartitionData {
        let mut response = self.call(12, &fetch_request(12, &[(topic, partition, offset)]));
        assert_eq!(error(response.error_code), None);
        let mut of_topic = response.responses.remove(0);
        of_topic.partitions.remove(0)
    }

    /// Reads one partition from `offset` to its high watermark.
    pub fn read_from(&mut self, topic: &Topic, partition: i32, mut offset: i64) -> Vec<Stored> {
        let mut read = Vec::new();
        loop {
            let fetched = self.fetch(topic, partition, offset);
            assert_eq!(error(fetched.error_code), None);
            let found = batches(&fetched.records.unwrap_or_default());
            let Some(last) = found.last() else {
                assert_eq!(offset, fetched.high_watermark, "an empty answer before the end");
                return read;
            };
            offset = last.base_offset + i64::from(last.last_offset_delta) + 1;
            read.extend(found);
        }
    }

    /// The values of a whole partition, none compressed.
    pub fn values(&mut self, topic: &Topic, partition: i32) -> Vec<String> {
        let start = self.list_offset(topic, partition, -2).offset;
        self.read_from(topic, partition, start).iter().flat_map(Stored::values).collect()
    }

    /// Looks up one offset.
    pub fn list_offset(&mut self, topic: &Topic, partition: i32, timestamp: i64) -> ListOffsetsPartitionResponse {
        let mut response = self.call(9, &list_offsets_request(topic, partition, timestamp));
        let mut of_topic = response.topics.remove(0);
        of_topic.partitions.remove(0)
    }

    /// A fresh producer id and its epoch.
    pub fn init_producer_id(&mut self) -> (i64, i16) {
        let request = InitProducerIdRequest::default().with_transactional_id(None).with_transaction_timeout_ms(60_000);
        let response = self.call(4, &request);
        assert_eq!(error(response.error_code), None);
        (response.producer_id.0, response.producer_epoch)
    }
}
