//! The protobuf messages behind the records. Only the tags matter; names may change.

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Record {
    #[prost(oneof = "Kind", tags = "1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 21")]
    pub(super) kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(super) enum Kind {
    #[prost(message, tag = "1")]
    Topic(Topic),
    #[prost(message, tag = "2")]
    Partition(Partition),
    #[prost(message, tag = "3")]
    PartitionChange(PartitionChange),
    #[prost(message, tag = "4")]
    RemoveTopic(RemoveTopic),
    #[prost(message, tag = "5")]
    Config(Config),
    #[prost(message, tag = "6")]
    RegisterBroker(RegisterBroker),
    #[prost(message, tag = "7")]
    BrokerChange(BrokerChange),
    #[prost(message, tag = "8")]
    UnregisterBroker(UnregisterBroker),
    #[prost(message, tag = "9")]
    ProducerIds(ProducerIds),
    #[prost(message, tag = "10")]
    FeatureLevel(FeatureLevel),
    #[prost(message, tag = "11")]
    ClusterId(ClusterId),
    #[prost(message, tag = "12")]
    NoOp(NoOp),
    #[prost(message, tag = "20")]
    ClientQuota(ClientQuota),
    #[prost(message, tag = "21")]
    UserScramCredential(UserScramCredential),
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Topic {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) topic_id: Vec<u8>,
}

/// A list that may be absent, which is not the same as empty.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Nodes {
    #[prost(sint32, repeated, tag = "1")]
    pub(super) ids: Vec<i32>,
}

/// 16 bytes an id.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Uuids {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) packed: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Partition {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) topic_id: Vec<u8>,
    #[prost(int32, tag = "2")]
    pub(super) partition: i32,
    #[prost(sint32, repeated, tag = "3")]
    pub(super) replicas: Vec<i32>,
    #[prost(bytes = "vec", tag = "4")]
    pub(super) directories: Vec<u8>,
    #[prost(sint32, repeated, tag = "5")]
    pub(super) isr: Vec<i32>,
    #[prost(sint32, tag = "6")]
    pub(super) leader: i32,
    #[prost(int32, tag = "7")]
    pub(super) leader_epoch: i32,
    #[prost(int32, tag = "8")]
    pub(super) partition_epoch: i32,
    #[prost(sint32, repeated, tag = "9")]
    pub(super) elr: Vec<i32>,
    #[prost(sint32, repeated, tag = "10")]
    pub(super) last_known_elr: Vec<i32>,
    #[prost(sint32, repeated, tag = "11")]
    pub(super) adding_replicas: Vec<i32>,
    #[prost(sint32, repeated, tag = "12")]
    pub(super) removing_replicas: Vec<i32>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PartitionChange {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) topic_id: Vec<u8>,
    #[prost(int32, tag = "2")]
    pub(super) partition: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) replicas: Option<Nodes>,
    #[prost(message, optional, tag = "4")]
    pub(super) directories: Option<Uuids>,
    #[prost(message, optional, tag = "5")]
    pub(super) isr: Option<Nodes>,
    #[prost(sint32, optional, tag = "6")]
    pub(super) leader: Option<i32>,
    #[prost(message, optional, tag = "7")]
    pub(super) elr: Option<Nodes>,
    #[prost(message, optional, tag = "8")]
    pub(super) last_known_elr: Option<Nodes>,
    #[prost(message, optional, tag = "9")]
    pub(super) adding_replicas: Option<Nodes>,
    #[prost(message, optional, tag = "10")]
    pub(super) removing_replicas: Option<Nodes>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RemoveTopic {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) topic_id: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Config {
    #[prost(int32, tag = "1")]
    pub(super) resource_type: i32,
    #[prost(string, tag = "2")]
    pub(super) resource_name: String,
    #[prost(string, tag = "3")]
    pub(super) key: String,
    #[prost(string, optional, tag = "4")]
    pub(super) value: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Endpoint {
    #[prost(string, tag = "1")]
    pub(super) listener: String,
    #[prost(string, tag = "2")]
    pub(super) host: String,
    #[prost(uint32, tag = "3")]
    pub(super) port: u32,
    #[prost(int32, tag = "4")]
    pub(super) security_protocol: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct RegisterBroker {
    #[prost(int32, tag = "1")]
    pub(super) broker_id: i32,
    #[prost(sint64, tag = "2")]
    pub(super) broker_epoch: i64,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) incarnation: Vec<u8>,
    #[prost(message, repeated, tag = "4")]
    pub(super) endpoints: Vec<Endpoint>,
    #[prost(string, optional, tag = "5")]
    pub(super) rack: Option<String>,
    #[prost(bool, tag = "6")]
    pub(super) fenced: bool,
    #[prost(bool, tag = "7")]
    pub(super) in_controlled_shutdown: bool,
    #[prost(bytes = "vec", tag = "8")]
    pub(super) log_dirs: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct BrokerChange {
    #[prost(int32, tag = "1")]
    pub(super) broker_id: i32,
    #[prost(sint64, tag = "2")]
    pub(super) broker_epoch: i64,
    #[prost(bool, optional, tag = "3")]
    pub(super) fenced: Option<bool>,
    #[prost(bool, optional, tag = "4")]
    pub(super) in_controlled_shutdown: Option<bool>,
    #[prost(message, optional, tag = "5")]
    pub(super) log_dirs: Option<Uuids>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UnregisterBroker {
    #[prost(int32, tag = "1")]
    pub(super) broker_id: i32,
    #[prost(sint64, tag = "2")]
    pub(super) broker_epoch: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ProducerIds {
    #[prost(int32, tag = "1")]
    pub(super) broker_id: i32,
    #[prost(sint64, tag = "2")]
    pub(super) broker_epoch: i64,
    #[prost(int64, tag = "3")]
    pub(super) next_producer_id: i64,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct FeatureLevel {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(int32, tag = "2")]
    pub(super) level: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ClusterId {
    #[prost(string, tag = "1")]
    pub(super) cluster_id: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct NoOp {}

/// A part of a quota's entity; without a name, the default.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct EntityName {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ClientQuota {
    #[prost(message, optional, tag = "1")]
    pub(super) user: Option<EntityName>,
    #[prost(message, optional, tag = "2")]
    pub(super) client_id: Option<EntityName>,
    #[prost(message, optional, tag = "3")]
    pub(super) ip: Option<EntityName>,
    #[prost(string, tag = "4")]
    pub(super) key: String,
    #[prost(double, optional, tag = "5")]
    pub(super) value: Option<f64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct UserScramCredential {
    #[prost(string, tag = "1")]
    pub(super) user: String,
    #[prost(int32, tag = "2")]
    pub(super) mechanism: i32,
    #[prost(message, optional, tag = "3")]
    pub(super) credential: Option<ScramCredential>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ScramCredential {
    #[prost(bytes = "vec", tag = "1")]
    pub(super) salt: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(super) stored_key: Vec<u8>,
    #[prost(bytes = "vec", tag = "3")]
    pub(super) server_key: Vec<u8>,
    #[prost(int32, tag = "4")]
    pub(super) iterations: i32,
}
