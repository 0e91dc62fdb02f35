//! Who may connect: `max.connections` over the node, `max.connections.per.ip` per address (A13).

use super::settings::Settings;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

/// Counts a node's connections.
pub(super) struct Admission {
    slots: Arc<Semaphore>,
    per_ip: usize,
    per_ip_overrides: BTreeMap<IpAddr, usize>,
    /// Guards how many connections each address has; addresses without any are absent.
    addresses: Mutex<BTreeMap<IpAddr, usize>>,
}

/// Keeps a connection counted until dropped.
pub(super) struct Admitted {
    admission: Arc<Admission>,
    address: IpAddr,
    _slot: OwnedSemaphorePermit,
}

impl Admission {
    pub(super) fn new(settings: &Settings) -> Arc<Self> {
        Arc::new(Self {
            slots: Arc::new(Semaphore::new(settings.max_connections.min(Semaphore::MAX_PERMITS))),
            per_ip: settings.max_connections_per_ip,
            per_ip_overrides: settings.max_connections_per_ip_overrides.clone(),
            addresses: Mutex::default(),
        })
    }

    /// Waits until the node may have another connection.
    pub(super) async fn slot(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.slots).acquire_owned().await
    }

    /// Lets a connection of `address` in, unless the address has its share already.
    pub(super) fn admit(self: &Arc<Self>, address: IpAddr, slot: OwnedSemaphorePermit) -> Option<Admitted> {
        // An IPv4 client on an IPv6 socket is the same client.
        let address = address.to_canonical();
        let limit = self.per_ip_overrides.get(&address).copied().unwrap_or(self.per_ip);
        let mut addresses = self.addresses.lock();
        if addresses.get(&address).copied().unwrap_or(0) >= limit {
            return None;
        }
        *addresses.entry(address).or_insert(0) += 1;
        Some(Admitted { admission: Arc::clone(self), address, _slot: slot })
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut addresses = self.admission.addresses.lock();
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}
