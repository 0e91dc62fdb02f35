//! DescribeCluster (key 60), versions 0–2.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::DescribeClusterRequest;
use protocol_tests::{error, shared};

#[test]
fn m1_every_version_describes_the_cluster() {
    let broker = shared();
    let mut client = broker.connect();
    for version in 0..=2 {
        let response = client.call(version, &DescribeClusterRequest::default());
        assert_eq!((error(response.error_code), response.cluster_id.len()), (None, 22), "version {version}");
        assert_eq!(response.brokers.len(), 1);
        let node = &response.brokers[0];
        assert_eq!((&*node.host, node.port), ("127.0.0.1", i32::from(broker.address().port())));
        assert_eq!((response.controller_id, node.is_fenced), (node.broker_id, false));
    }
}

#[test]
fn m9_operations_are_told_when_asked_for() {
    let mut client = shared().connect();
    for version in 0..=2 {
        let quiet = client.call(version, &DescribeClusterRequest::default());
        assert_eq!(quiet.cluster_authorized_operations, i32::MIN);
        let asked = DescribeClusterRequest::default().with_include_cluster_authorized_operations(true);
        assert_eq!(client.call(version, &asked).cluster_authorized_operations, 0b1_1111_1010_0000);
    }
}

#[test]
fn controllers_are_asked_for_on_the_controllers_listener_only() {
    let mut client = shared().connect();
    for (endpoints, why) in [(2, ResponseError::MismatchedEndpointType), (9, ResponseError::UnsupportedEndpointType)] {
        let response = client.call(1, &DescribeClusterRequest::default().with_endpoint_type(endpoints));
        assert_eq!(error(response.error_code), Some(why));
    }
}
