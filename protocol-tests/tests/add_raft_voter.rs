//! AddRaftVoter (key 80), version 0.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::messages::AddRaftVoterRequest;
use protocol_tests::{error, shared, text};
use uuid::Uuid;

#[test]
fn e7_the_voters_of_the_configuration_stay() {
    let mut client = shared().connect();
    let listener = |name: &str| Listener::default().with_name(text(name)).with_host(text("localhost")).with_port(1);
    let good = AddRaftVoterRequest::default()
        .with_cluster_id(None)
        .with_voter_id(9)
        .with_voter_directory_id(Uuid::from_u128(9))
        .with_listeners(vec![listener("CONTROLLER")]);
    let cases = [
        (good.clone(), ResponseError::UnsupportedVersion),
        (good.clone().with_cluster_id(Some(text("another"))), ResponseError::InconsistentClusterId),
        (good.clone().with_voter_id(-1), ResponseError::InvalidRequest),
        (good.clone().with_voter_directory_id(Uuid::nil()), ResponseError::InvalidRequest),
        (good.with_listeners(vec![listener("OTHER")]), ResponseError::InvalidRequest),
    ];
    for (request, why) in cases {
        assert_eq!(error(client.call(0, &request).error_code), Some(why));
    }
}
