//! Who may connect: `max.connections` over the node, `max.connections.per.ip` per address (A13). All of it may change
//! while the node runs (K3).

use super::settings::Settings;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::sync::Notify;

/// How many connections there may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// `max.connections`.
    pub max_connections: usize,
    /// `max.connections.per.ip`.
    pub per_ip: usize,
    /// `max.connections.per.ip.overrides`, by address.
    pub per_ip_overrides: BTreeMap<IpAddr, usize>,
}

/// Counts a node's connections.
pub struct Admission {
    limits: ArcSwap<ConnectionLimits>,
    open: AtomicUsize,
    /// Told when a connection has ended or the limits have changed.
    changed: Notify,
    /// Guards how many connections each address has; addresses without any are absent.
    addresses: Mutex<BTreeMap<IpAddr, usize>>,
}

/// One of the node's connections, counted until dropped.
pub(super) struct Slot {
    admission: Arc<Admission>,
}

/// Keeps a connection counted until dropped.
pub(super) struct Admitted {
    address: IpAddr,
    slot: Slot,
}

impl Admission {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            limits: ArcSwap::from_pointee(ConnectionLimits {
                max_connections: settings.max_connections,
                per_ip: settings.max_connections_per_ip,
                per_ip_overrides: settings.max_connections_per_ip_overrides.clone(),
            }),
            open: AtomicUsize::new(0),
            changed: Notify::new(),
            addresses: Mutex::default(),
        })
    }

    /// Takes new limits. Connections that are open stay.
    pub fn set_limits(&self, limits: ConnectionLimits) {
        if **self.limits.load() != limits {
            self.limits.store(Arc::new(limits));
            self.changed.notify_waiters();
        }
    }

    /// Waits until the node may have another connection.
    pub(super) async fn slot(self: &Arc<Self>) -> Slot {
        loop {
            let changed = self.changed.notified();
            let most = self.limits.load().max_connections;
            let may = |open: usize| (open < most).then(|| open + 1);
            if self.open.fetch_update(Ordering::AcqRel, Ordering::Acquire, may).is_ok() {
                return Slot { admission: Arc::clone(self) };
            }
            changed.await;
        }
    }

    /// Lets a connection of `address` in, unless the address has its share already.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, slot: Slot) -> Option<Admitted> {
        // An IPv4 client on an IPv6 socket is the same client.
        let address = address.to_canonical();
        let limits = self.limits.load();
        let limit = limits.per_ip_overrides.get(&address).copied().unwrap_or(limits.per_ip);
        let mut addresses = self.addresses.lock();
        if addresses.get(&address).copied().unwrap_or(0) >= limit {
            return None;
        }
        *addresses.entry(address).or_insert(0) += 1;
        Some(Admitted { address, slot })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.admission.open.fetch_sub(1, Ordering::AcqRel);
        self.admission.changed.notify_waiters();
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut addresses = self.slot.admission.addresses.lock();
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}
