//! What changes of the metadata cost (KIP-599): a token of the client's bucket for each partition that is made or deleted.
//!
//! Newer versions are refused with THROTTLING_QUOTA_EXCEEDED once the bucket is overdrawn; older ones pay and are muted.
//! Kept by each broker for the clients that come to it; Kafka's active controller keeps it for all.

use super::context::RequestContext;
use super::controller_calls::Refused;
use super::error::ErrorCode;
use super::reply::Reply;
use super::throttle::{client, throttled};
use super::Services;
use kafka_protocol::protocol::StrBytes;

/// The payments of one request.
pub(super) struct Mutations<'a> {
    services: &'a Services,
    context: &'a RequestContext<'a>,
    strict: bool,
    /// Paid for what came to nothing.
    refused: f64,
}

impl<'a> Mutations<'a> {
    /// For a request that is refused from version `strict_from` on.
    pub(super) fn new(services: &'a Services, context: &'a RequestContext<'a>, strict_from: i16) -> Self {
        Self { services, context, strict: context.version >= strict_from, refused: 0.0 }
    }

    /// Pays for `partitions`.
    pub(super) fn pay(&self, partitions: i64) -> Result<(), Refused> {
        let now = self.services.clock.now();
        let paid = self.services.quotas.pay_mutations(client(self.context), partitions.max(0) as f64, self.strict, now);
        paid.map_err(|_| {
            let why = StrBytes::from_static_str("The throttling quota has been exceeded.");
            (ErrorCode::ThrottlingQuotaExceeded, Some(why))
        })
    }

    /// `partitions` that were paid for were neither made nor deleted.
    pub(super) fn came_to_nothing(&mut self, partitions: i64) {
        self.refused += partitions.max(0) as f64;
    }

    /// The answer, which says for how long the bucket is overdrawn.
    pub(super) fn settle(self, reply: Reply, api_key: i16) -> Reply {
        let now = self.services.clock.now();
        let throttle_ms = self.services.quotas.settle_mutations(client(self.context), self.refused, now);
        throttled(reply, api_key, self.context.version, throttle_ms)
    }
}
