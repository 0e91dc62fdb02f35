//! Who did more than their quotas allow (Q1): the answer leaves at once and says so, and the connection is muted (Q2,
//! KIP-219).

use super::context::RequestContext;
use super::reply::Reply;
use super::Services;
use crate::clock::Clock;
use crate::quota::{Client, ClientQuotas, Kind};
use crate::wire::throttle;
use kafka_protocol::protocol::StrBytes;
use std::sync::Arc;
use std::time::Duration;

/// Percent of one second.
const PERCENT: f64 = 100.0;

/// The client of a request, as quotas know it.
pub(super) fn client<'a>(context: &'a RequestContext<'_>) -> Client<'a> {
    Client { user: user(&context.connection.principal), client_id: &context.client_id }
}

/// A principal's name, without its type.
fn user(principal: &str) -> &str {
    principal.split_once(':').map_or(principal, |(_, name)| name)
}

/// Counts a request's bytes or records; for how long the client is to be muted, in milliseconds.
pub(super) fn record(services: &Services, context: &RequestContext<'_>, kind: Kind, amount: f64) -> u32 {
    if !services.quotas.is_active(kind) {
        return 0;
    }
    services.quotas.record(kind, client(context), amount, services.clock.now())
}

/// A request whose time is counted. What it waits for counts as well, as far as it keeps its connection waiting.
pub(super) struct Timed {
    quotas: Arc<ClientQuotas>,
    clock: Arc<dyn Clock>,
    principal: Arc<str>,
    client_id: StrBytes,
    api_key: i16,
    version: i16,
    began: Duration,
}

impl Timed {
    /// `None` where no such quota is set.
    pub(super) fn begin(services: &Services, context: &RequestContext<'_>, api_key: i16) -> Option<Self> {
        services.quotas.is_active(Kind::Request).then(|| Self {
            quotas: services.quotas.clone(),
            clock: services.clock.clone(),
            principal: context.connection.principal.clone(),
            client_id: context.client_id.clone(),
            api_key,
            version: context.version,
            began: services.clock.elapsed(),
        })
    }

    /// Counts the time that it took.
    pub(super) fn over(self, reply: Reply) -> Reply {
        let took = self.clock.elapsed().saturating_sub(self.began);
        let client = Client { user: user(&self.principal), client_id: &self.client_id };
        let amount = took.as_secs_f64() * PERCENT;
        let throttle_ms = self.quotas.record(Kind::Request, client, amount, self.clock.now());
        throttled(reply, self.api_key, self.version, throttle_ms)
    }
}

/// A reply whose connection is muted for `throttle_ms`, and which says so as far as its answer begins with that.
pub(super) fn throttled(reply: Reply, api_key: i16, version: i16, throttle_ms: u32) -> Reply {
    if throttle_ms == 0 {
        return reply;
    }
    match reply {
        Reply::Ready(mut response) => {
            throttle::tell(&mut response, api_key, version, throttle_ms);
            Reply::Throttled(Box::new(Reply::Ready(response)), throttle_ms)
        }
        Reply::None => Reply::Throttled(Box::new(Reply::None), throttle_ms),
        Reply::Throttled(reply, before_ms) => throttled(*reply, api_key, version, throttle_ms.max(before_ms)),
        Reply::Later(later) => Reply::later(async move { throttled(later.await, api_key, version, throttle_ms) }),
        Reply::Close(why) => Reply::Close(why),
    }
}
