//! What the group handlers share: the way to the coordinator, and texts that outlive their request's frame.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::group::request::{Ask, Client};
use crate::group::{GroupError, Shard, Text};
use bytes::Bytes;
use kafka_protocol::protocol::StrBytes;

/// A copy of a request's text: a kept slice would keep its whole frame.
pub(super) fn text(value: &StrBytes) -> Text {
    Text::from(value.as_str())
}

/// The same for a text that may be missing.
pub(super) fn optional_text(value: &Option<StrBytes>) -> Option<Text> {
    value.as_ref().map(text)
}

/// The same for bytes.
pub(super) fn copied(value: &Bytes) -> Bytes {
    Bytes::copy_from_slice(value)
}

/// A room's text on its way to the wire.
pub(super) fn wire(value: &Text) -> StrBytes {
    StrBytes::from_string(value.to_string())
}

/// The same for a text that may be missing.
pub(super) fn optional_wire(value: &Option<Text>) -> Option<StrBytes> {
    value.as_ref().map(wire)
}

/// An error's number, 0 for none.
pub(super) fn code(error: Option<GroupError>) -> i16 {
    error.map_or(ErrorCode::None, ErrorCode::from).code()
}

/// Whether the group protocol of KIP-848 is turned on, and the cluster's features have come so far (N13).
pub(super) fn consumer_groups_are_served(services: &Services) -> bool {
    let is_finalized = services.metadata.current().feature_level("group.version") >= 1;
    is_finalized && services.config.groups.consumer_protocol_enable
}

/// Whether share groups are served: the cluster has finalized them (KIP-932).
pub(super) fn share_groups_are_served(services: &Services) -> bool {
    services.metadata.current().feature_level("share.version") >= 1
}

/// Who asks, as a group keeps it.
pub(super) fn client(context: &RequestContext<'_>) -> Client {
    Client { id: text(&context.client_id), host: Text::from(format!("/{}", context.connection.peer.ip())) }
}

/// Asks the group's coordinator and answers when it has. The asking starts here, in the order of the connection's requests;
/// only the waiting overlaps with what follows.
pub(super) fn ask<A, F>(services: &Services, context: &RequestContext<'_>, request: A, answer: F) -> Reply
where
    A: Ask<Shard> + Send + 'static,
    F: FnOnce(Result<A::Reply, GroupError>) -> Reply + Send + 'static,
{
    let pending = services.groups.execute(client(context), request);
    Reply::later(async move { answer(pending.await) })
}
