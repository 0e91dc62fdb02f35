//! `consumer_byte_rate` (Q1): record bytes count when they are answered with, and those of an answer that is too much are
//! not sent.

use crate::api::context::RequestContext;
use crate::api::throttle::client;
use crate::api::Services;
use crate::clock::Clock;
use crate::quota::{Client, ClientQuotas, Kind};
use std::sync::Arc;

/// The quota that holds for one request's client. Made only where there is one.
pub(super) struct FetchQuota {
    quotas: Arc<ClientQuotas>,
    clock: Arc<dyn Clock>,
    user: Box<str>,
    client_id: Box<str>,
    /// Bytes that may be sent in one go.
    pub(super) most_at_once: i32,
}

impl FetchQuota {
    pub(super) fn of(services: &Services, context: &RequestContext<'_>) -> Option<Self> {
        let client = client(context);
        let most_at_once = services.quotas.most_at_once(Kind::Fetch, client)?;
        Some(Self {
            quotas: services.quotas.clone(),
            clock: services.clock.clone(),
            user: client.user.into(),
            client_id: client.client_id.into(),
            most_at_once: most_at_once.min(f64::from(i32::MAX)) as i32,
        })
    }

    /// Counts the records of an answer; if they are too much, for how many milliseconds, and they do not count then.
    pub(super) fn exceeded_by(&self, bytes: i64) -> Option<u32> {
        let client = Client { user: &self.user, client_id: &self.client_id };
        let throttle_ms = self.quotas.record(Kind::Fetch, client, bytes as f64, self.clock.now());
        if throttle_ms == 0 {
            return None;
        }
        self.quotas.take_back(Kind::Fetch, client, bytes as f64);
        Some(throttle_ms)
    }
}
