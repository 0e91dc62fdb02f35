//! A registered broker, as records carry it and as the image keeps it.

use crate::ids::{NodeId, Uuid};

pub use crate::config::listeners::SecurityProtocol;

/// In a registration record: the epoch is the index of the entry that holds the record.
pub const EPOCH_OF_ENTRY: i64 = -1;

/// Where clients of one listener reach a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The listener's name, in upper case.
    pub listener: String,
    /// The advertised host.
    pub host: String,
    /// The advertised port.
    pub port: u16,
    /// The listener's protection.
    pub security_protocol: SecurityProtocol,
}

/// One registered broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerImage {
    /// `node.id`.
    pub id: NodeId,
    /// The index of the registration's entry. In a record it may be [`EPOCH_OF_ENTRY`], in an image never.
    pub epoch: i64,
    /// Drawn anew at each start of the broker's process.
    pub incarnation: Uuid,
    /// The advertised endpoints, in the order of the broker's configuration.
    pub endpoints: Vec<Endpoint>,
    /// `broker.rack`.
    pub rack: Option<String>,
    /// A fenced broker leads nothing, is in no ISR and is not shown to clients.
    pub fenced: bool,
    /// The broker asked to leave in order: it gets no new leadership.
    pub in_controlled_shutdown: bool,
    /// The ids of its online log directories.
    pub log_dirs: Vec<Uuid>,
}

impl BrokerImage {
    /// The endpoint of the listener named `listener`.
    pub fn endpoint(&self, listener: &str) -> Option<&Endpoint> {
        self.endpoints.iter().find(|endpoint| endpoint.listener == listener)
    }

    /// Whether new partitions may be led here.
    pub fn may_lead(&self) -> bool {
        !self.fenced && !self.in_controlled_shutdown
    }
}
