//! DescribeCluster (key 60). Versions 0–2.
//!
//! 1: brokers or controllers (KIP-919). 2: fenced brokers on request (KIP-1073).
//! Left out: the controllers' endpoints are asked on their own listener, so here a request for them is refused as Kafka's
//! broker listener refuses it.

use super::context::{operations, RequestContext};
use super::error::ErrorCode;
use super::metadata::controller_id;
use super::reply::Reply;
use super::Services;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{BrokerId, DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

/// The endpoint type of brokers.
const BROKERS: i8 = 1;
/// The endpoint type of controllers.
const CONTROLLERS: i8 = 2;

/// Answers with the cluster's id and its brokers.
pub fn handle(services: &Services, context: &RequestContext<'_>, request: DescribeClusterRequest) -> Reply {
    let mut response = DescribeClusterResponse::default();
    if context.version >= 1 && request.endpoint_type != BROKERS {
        let (error, message) = if request.endpoint_type == CONTROLLERS {
            (
                ErrorCode::MismatchedEndpointType,
                "The request was sent to an endpoint of type BROKER, but we wanted an endpoint of type CONTROLLER"
                    .to_owned(),
            )
        } else {
            (ErrorCode::UnsupportedEndpointType, format!("Unsupported endpoint type {}", request.endpoint_type))
        };
        response.error_code = error.code();
        response.error_message = Some(StrBytes::from_string(message));
        return context.responder.ready(&response);
    }
    let image = services.metadata.current();
    let brokers = image.brokers().filter(|broker| !broker.fenced || request.include_fenced_brokers);
    response.brokers = brokers
        .filter_map(|broker| {
            let endpoint = broker.endpoint(&context.connection.listener)?;
            let mut answer = DescribeClusterBroker::default()
                .with_broker_id(BrokerId(broker.id))
                .with_host(StrBytes::from_string(endpoint.host.clone()))
                .with_port(i32::from(endpoint.port))
                .with_rack(broker.rack.clone().map(StrBytes::from_string));
            if context.version >= 2 {
                answer.is_fenced = broker.fenced;
            }
            Some(answer)
        })
        .collect();
    response.cluster_id = StrBytes::from_string(image.cluster_id().map_or_else(String::new, |id| id.to_string()));
    response.controller_id = BrokerId(controller_id(services, &image));
    if request.include_cluster_authorized_operations {
        response.cluster_authorized_operations = operations::CLUSTER;
    }
    context.responder.ready(&response)
}
