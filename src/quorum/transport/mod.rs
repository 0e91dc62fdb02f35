//! How voters reach each other: bytes out through a [`Transport`], bytes in through an [`Inbox`].
//!
//! A transport may drop, delay, repeat and reorder, as a network does. It must say when a snapshot arrived or was lost, because
//! raft sends nothing else to that voter until it knows.

pub mod memory;

use super::settings;
use prost::Message as _;
use raft::eraftpb::Message;
use tokio::sync::mpsc;

/// Largest message accepted from another voter; a snapshot is one message.
pub const MAX_PEER_MESSAGE_BYTES: usize = 512 << 20;

/// A message between voters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Raft id of the sender.
    pub from: u64,
    /// Raft id of the receiver.
    pub to: u64,
    /// Whether the transport must report what became of it.
    pub is_snapshot: bool,
    /// Raft's message, encoded.
    pub bytes: Vec<u8>,
}

/// Sends to other voters.
pub trait Transport: Send + Sync + 'static {
    /// Queues a message, or drops it. Never waits.
    fn send(&self, envelope: Envelope);
}

/// For a voter that is alone.
pub struct NoPeers;

impl Transport for NoPeers {
    fn send(&self, _envelope: Envelope) {}
}

/// What comes in from the transport.
pub(super) enum Inbound {
    Message(Box<Message>),
    Unreachable(u64),
    SnapshotSent(u64, bool),
}

/// Where a transport hands in what it received and what became of what it sent. Clones share it.
#[derive(Clone)]
pub struct Inbox {
    sender: mpsc::Sender<Inbound>,
}

/// The driver's end of an [`Inbox`].
pub struct Mailbox {
    pub(super) receiver: mpsc::Receiver<Inbound>,
}

/// A new inbox and its other end.
pub fn inbox() -> (Inbox, Mailbox) {
    let (sender, receiver) = mpsc::channel(settings::MAX_MAILBOX_MESSAGES);
    (Inbox { sender }, Mailbox { receiver })
}

/// Why a message was not taken in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliverError {
    /// The bytes are no message of raft's, or too many.
    #[error("not a message of the metadata quorum: {0}")]
    Malformed(String),
    /// The driver has too much to do; raft will send it again.
    #[error("the metadata quorum's mailbox is full")]
    Full,
}

impl Inbox {
    /// Takes in a message from another voter.
    ///
    /// # Errors
    /// It is dropped; the sender need not be told.
    pub fn deliver(&self, bytes: &[u8]) -> Result<(), DeliverError> {
        let message = decode(bytes)?;
        self.sender.try_send(Inbound::Message(Box::new(message))).map_err(|_| DeliverError::Full)
    }

    /// The last message to `raft_id` could not be sent. Dropped if the driver is busy.
    pub fn unreachable(&self, raft_id: u64) {
        let _ = self.sender.try_send(Inbound::Unreachable(raft_id));
    }

    /// The snapshot to `raft_id` has arrived, or not. If the driver is too busy to hear it, the snapshot counts as lost after a
    /// while.
    pub fn snapshot_sent(&self, raft_id: u64, arrived: bool) {
        let _ = self.sender.try_send(Inbound::SnapshotSent(raft_id, arrived));
    }
}

/// Packs raft's message for the way.
pub(super) fn encode(message: &Message) -> Envelope {
    Envelope {
        from: message.from,
        to: message.to,
        is_snapshot: message.get_msg_type() == raft::eraftpb::MessageType::MsgSnapshot,
        bytes: message.encode_to_vec(),
    }
}

/// Unpacks a message from another voter.
pub(super) fn decode(bytes: &[u8]) -> Result<Message, DeliverError> {
    if bytes.len() > MAX_PEER_MESSAGE_BYTES {
        return Err(DeliverError::Malformed(format!("{} bytes", bytes.len())));
    }
    let message = Message::decode(bytes).map_err(|error| DeliverError::Malformed(error.to_string()))?;
    // The getter of an unknown number would answer with the first kind there is.
    if raft::eraftpb::MessageType::from_i32(message.msg_type).is_none() {
        return Err(DeliverError::Malformed(format!("message type {}", message.msg_type)));
    }
    Ok(message)
}
