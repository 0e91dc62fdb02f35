//! A registered broker, as records carry it and as the image keeps it.

use crate::ids::{NodeId, Uuid};

/// In a registration record: the epoch is the index of the entry that holds the record.
pub const EPOCH_OF_ENTRY: i64 = -1;

/// How a listener protects its connections. The numbers are Kafka's, on the wire and in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecurityProtocol {
    /// No protection.
    Plaintext,
    /// TLS.
    Ssl,
    /// SASL over a bare connection.
    SaslPlaintext,
    /// SASL over TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's number.
    pub const fn code(self) -> i16 {
        match self {
            Self::Plaintext => 0,
            Self::Ssl => 1,
            Self::SaslPlaintext => 2,
            Self::SaslSsl => 3,
        }
    }

    /// The protocol with Kafka's number `code`.
    pub const fn from_code(code: i16) -> Option<Self> {
        match code {
            0 => Some(Self::Plaintext),
            1 => Some(Self::Ssl),
            2 => Some(Self::SaslPlaintext),
            3 => Some(Self::SaslSsl),
            _ => None,
        }
    }
}

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
