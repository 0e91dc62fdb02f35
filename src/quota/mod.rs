//! Quotas: who may send, fetch, ask, change and connect how much (Q1), and for how long whoever did more is to wait (Q2).
//!
//! Rates are measured as Kafka measures them, over `quota.window.num` windows: [`rate`]; changes of the metadata are paid
//! from a bucket of tokens: [`bucket`]. Which quota holds for a client is looked up in [`rules`]. While no quota of a kind
//! is set, asking costs one atomic load.
//!
//! Absent from here: making anybody wait (`server/`), and telling clients of it (`api/`).

pub mod bucket;
pub mod rate;
mod rules;

use crate::clock::Now;
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use arc_swap::ArcSwap;
use bucket::TokenBucket;
use parking_lot::Mutex;
use rate::{Rate, Windows};
use rules::{Rules, Scope};
use rustc_hash::FxHashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;

/// Clients of one kind whose rates are remembered, at most. Beyond, those that were idle for a whole measure are
/// forgotten, and if there are none, all: a client then begins anew.
const MAX_MEASURED: usize = 100_000;

/// What a quota is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `producer_byte_rate`: bytes a second of Produce requests.
    Produce,
    /// `consumer_byte_rate`: bytes a second of fetched records.
    Fetch,
    /// `request_percentage`: of one thread's time.
    Request,
    /// `controller_mutation_rate`: partitions a second that are made or deleted.
    ControllerMutation,
    /// `connection_creation_rate`: connections a second of an address.
    Connection,
}

const KINDS: usize = 5;

impl Kind {
    /// Kafka's key.
    fn key(self) -> &'static str {
        match self {
            Self::Produce => "producer_byte_rate",
            Self::Fetch => "consumer_byte_rate",
            Self::Request => "request_percentage",
            Self::ControllerMutation => "controller_mutation_rate",
            Self::Connection => "connection_creation_rate",
        }
    }

    const ALL: [Self; KINDS] = [Self::Produce, Self::Fetch, Self::Request, Self::ControllerMutation, Self::Connection];
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Client<'a> {
    /// The principal's name, without its type.
    pub user: &'a str,
    /// What the client calls itself.
    pub client_id: &'a str,
}

/// How quotas are measured.
#[derive(Clone, Copy, Debug)]
pub struct QuotaSettings {
    /// `quota.window.num` and `quota.window.size.seconds`.
    pub client: Windows,
    /// `controller.quota.window.num` and `controller.quota.window.size.seconds`.
    pub controller: Windows,
    /// `max.connection.creation.rate`: over all addresses, a second.
    pub max_connection_creation_rate: i32,
}

impl Default for QuotaSettings {
    fn default() -> Self {
        Self { client: Windows::default(), controller: Windows::default(), max_connection_creation_rate: i32::MAX }
    }
}

/// One kind of quota with what was measured.
struct Measured<T> {
    /// Some quota of the kind is set.
    active: AtomicBool,
    /// Guards what was measured, by whom the quota is shared.
    by_scope: Mutex<FxHashMap<Scope, T>>,
}

/// All quotas of the node.
pub struct ClientQuotas {
    settings: ArcSwap<QuotaSettings>,
    rules: ArcSwap<Rules>,
    produce: Measured<Rate>,
    fetch: Measured<Rate>,
    request: Measured<Rate>,
    mutation: Measured<TokenBucket>,
    connection: Measured<Rate>,
    /// Guards the connections of all addresses together.
    all_connections: Mutex<Rate>,
}

impl ClientQuotas {
    /// No quotas yet.
    pub fn new(settings: QuotaSettings) -> Arc<Self> {
        Arc::new(Self {
            settings: ArcSwap::from_pointee(settings),
            rules: ArcSwap::default(),
            produce: Measured::default(),
            fetch: Measured::default(),
            request: Measured::default(),
            mutation: Measured::default(),
            connection: Measured::default(),
            all_connections: Mutex::default(),
        })
    }

    /// Takes over quotas that changed.
    pub fn on_metadata(&self, delta: &MetadataDelta, image: &MetadataImage) {
        if !delta.quotas_changed() {
            return;
        }
        let rules = Rules::new(image.quotas());
        for kind in Kind::ALL {
            let active = rules.has(kind);
            match kind {
                Kind::Produce => self.produce.set_active(active),
                Kind::Fetch => self.fetch.set_active(active),
                Kind::Request => self.request.set_active(active),
                Kind::ControllerMutation => self.mutation.set_active(active),
                Kind::Connection => self.connection.set_active(active),
            }
        }
        self.rules.store(Arc::new(rules));
    }

    /// Takes over `max.connection.creation.rate`, which may change while the node runs.
    pub fn set_max_connection_creation_rate(&self, rate: i32) {
        let settings = QuotaSettings { max_connection_creation_rate: rate, ..**self.settings.load() };
        self.settings.store(Arc::new(settings));
    }

    /// Whether any quota of bytes or time is set that `kind` stands for.
    pub fn is_active(&self, kind: Kind) -> bool {
        match kind {
            Kind::ControllerMutation => self.mutation.active.load(Ordering::Relaxed),
            kind => self.rates(kind).active.load(Ordering::Relaxed),
        }
    }

    /// Counts `amount` for `client`; for how many milliseconds the client is to wait then.
    pub fn record(&self, kind: Kind, client: Client<'_>, amount: f64, now: Now) -> u32 {
        if !self.is_active(kind) {
            return 0;
        }
        let Some((limit, scope)) = self.rules.load().of(kind, client) else { return 0 };
        let windows = self.settings.load().client;
        let mut measured = self.rates(kind).by_scope.lock();
        make_room(&mut measured, |rate| rate.is_idle(windows, now.mono_ms));
        let rate = measured.entry(scope).or_default();
        rate.record(amount, windows, now.mono_ms);
        let throttle_ms = rate.throttle_ms(limit, windows, now.mono_ms);
        match kind {
            // Whoever took too much time once is not shut out for longer than it is measured.
            Kind::Request => throttle_ms.min(windows.measure_ms()),
            _ => throttle_ms,
        }
    }

    /// Takes back what was counted for an answer that was not sent.
    pub fn take_back(&self, kind: Kind, client: Client<'_>, amount: f64) {
        let Some((_, scope)) = self.rules.load().of(kind, client) else { return };
        if let Some(rate) = self.rates(kind).by_scope.lock().get_mut(&scope) {
            rate.take_back(amount);
        }
    }

    /// The most that `client` can be given at once: its quota over the whole measure. `None` without a quota.
    pub fn most_at_once(&self, kind: Kind, client: Client<'_>) -> Option<f64> {
        if !self.is_active(kind) {
            return None;
        }
        let (limit, _) = self.rules.load().of(kind, client)?;
        let windows = self.settings.load().client;
        Some(limit * f64::from(windows.window_seconds) * f64::from(windows.count.saturating_sub(1).max(1)))
    }

    /// Pays for `partitions` to be made or deleted. In `strict` mode nothing is paid once the bucket is overdrawn.
    ///
    /// # Errors
    /// The bucket is overdrawn: for how many milliseconds.
    pub fn pay_mutations(&self, client: Client<'_>, partitions: f64, strict: bool, now: Now) -> Result<(), u32> {
        self.with_bucket(client, now, |bucket| {
            let overdrawn_ms = bucket.overdrawn_ms();
            if strict && overdrawn_ms > 0 {
                return Err(overdrawn_ms);
            }
            bucket.take(partitions);
            Ok(())
        })
        .unwrap_or(Ok(()))
    }

    /// Takes back a payment for what was refused, and says for how many milliseconds the bucket is overdrawn.
    pub fn settle_mutations(&self, client: Client<'_>, refused_partitions: f64, now: Now) -> u32 {
        self.with_bucket(client, now, |bucket| {
            bucket.take(-refused_partitions);
            bucket.overdrawn_ms()
        })
        .unwrap_or(0)
    }

    fn with_bucket<T>(&self, client: Client<'_>, now: Now, act: impl FnOnce(&mut TokenBucket) -> T) -> Option<T> {
        if !self.is_active(Kind::ControllerMutation) {
            return None;
        }
        let (limit, scope) = self.rules.load().of(Kind::ControllerMutation, client)?;
        let windows = self.settings.load().controller;
        let mut measured = self.mutation.by_scope.lock();
        make_room(&mut measured, |bucket| bucket.is_full());
        let bucket = measured.entry(scope).or_insert_with(|| TokenBucket::full(limit, windows, now.mono_ms));
        bucket.refill(limit, windows, now.mono_ms);
        Some(act(bucket))
    }

    /// Counts a new connection of `address`; for how many milliseconds it is to be kept waiting before it is closed, 0
    /// if it may stay.
    pub fn connection(&self, address: IpAddr, now: Now) -> u32 {
        if !self.is_active(Kind::Connection) {
            return 0;
        }
        let address = address.to_canonical();
        let Some((limit, scope)) = self.rules.load().of_address(address) else { return 0 };
        let windows = self.settings.load().client;
        let mut measured = self.connection.by_scope.lock();
        make_room(&mut measured, |rate| rate.is_idle(windows, now.mono_ms));
        let rate = measured.entry(scope).or_default();
        rate.record(1.0, windows, now.mono_ms);
        let throttle_ms = rate.throttle_ms(limit, windows, now.mono_ms).min(windows.measure_ms());
        if throttle_ms > 0 {
            // What is closed does not count, or an address that keeps trying would never be let in again.
            rate.take_back(1.0);
        }
        throttle_ms
    }

    /// Counts a connection of any address; for how many milliseconds the next is not to be accepted.
    pub fn any_connection(&self, now: Now) -> u32 {
        let settings = self.settings.load();
        if settings.max_connection_creation_rate == i32::MAX {
            return 0;
        }
        let mut rate = self.all_connections.lock();
        rate.record(1.0, settings.client, now.mono_ms);
        let limit = f64::from(settings.max_connection_creation_rate.max(1));
        rate.throttle_ms(limit, settings.client, now.mono_ms).min(settings.client.measure_ms())
    }

    fn rates(&self, kind: Kind) -> &Measured<Rate> {
        match kind {
            Kind::Produce => &self.produce,
            Kind::Fetch => &self.fetch,
            Kind::Connection => &self.connection,
            Kind::Request | Kind::ControllerMutation => &self.request,
        }
    }
}

impl<T> Default for Measured<T> {
    fn default() -> Self {
        Self { active: AtomicBool::new(false), by_scope: Mutex::default() }
    }
}

impl<T> Measured<T> {
    fn set_active(&self, active: bool) {
        self.active.store(active, Ordering::Relaxed);
        if !active {
            self.by_scope.lock().clear();
        }
    }
}

/// Forgets those who can be forgotten once there are too many.
fn make_room<T>(measured: &mut FxHashMap<Scope, T>, is_idle: impl Fn(&T) -> bool) {
    if measured.len() < MAX_MEASURED {
        return;
    }
    measured.retain(|_, one| !is_idle(one));
    if measured.len() >= MAX_MEASURED {
        measured.clear();
    }
}

#[cfg(test)]
mod tests;
