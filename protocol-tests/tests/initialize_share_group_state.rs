//! InitializeShareGroupState (key 83), version 0.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::InitializeShareGroupStateRequest;
use protocol_tests::shares::initialize_request;
use protocol_tests::topics::Topic;
use protocol_tests::{error, shared};

#[test]
fn s2_s5_an_older_state_cannot_come_back() {
    let mut client = shared().connect();
    let topic = client.create_topic("initialize", 1, &[]);
    client.find_share_coordinator("g", &topic);
    assert_eq!(client.initialize_share_state("g", &topic, 3, 7), None);
    assert_eq!(client.read_share_state("g", &topic, -1), Ok((3, 7, vec![])));
    let fenced = Some(ResponseError::FencedStateEpoch);
    assert_eq!(client.initialize_share_state("g", &topic, 2, 0), fenced);
    assert_eq!(client.initialize_share_state("g", &topic, 4, -1), None);
    assert_eq!(client.read_share_state("g", &topic, -1), Ok((4, -1, vec![])));
    assert_eq!(client.read_share_state("another", &topic, -1), Err(ResponseError::InvalidRequest));
}

#[test]
fn s5_what_cannot_be_set_up() {
    let mut client = shared().connect();
    let topic = client.create_topic("initialize-refused", 1, &[]);
    client.find_share_coordinator("g", &topic);
    let mut told = |request: InitializeShareGroupStateRequest| {
        let response = client.call(0, &request);
        let partition = &response.results[0].partitions[0];
        (error(partition.error_code), partition.error_message.as_ref().map(|message| message.to_string()))
    };
    let (why, words) = told(initialize_request("", &topic, 0, 0));
    assert_eq!((why, words.is_some()), (Some(ResponseError::InvalidRequest), true));
    let unknown = Topic { id: uuid_of(9), ..topic.clone() };
    assert_eq!(told(initialize_request("g", &unknown, 0, 0)).0, Some(ResponseError::UnknownTopicOrPartition));
    let mut negative = initialize_request("g", &topic, 0, 0);
    negative.topics[0].partitions[0].partition = -1;
    let words = "The partition id cannot be a negative number.";
    assert_eq!(told(negative), (Some(ResponseError::InvalidRequest), Some(words.to_owned())));
}

fn uuid_of(byte: u8) -> uuid::Uuid {
    uuid::Uuid::from_bytes([byte; 16])
}
