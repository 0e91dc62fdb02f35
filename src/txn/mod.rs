//! The transaction coordinator as pure shards: transactional ids, and the transactions of their producers.
//!
//! A [`Shard`] holds the transactional ids of one partition of `__transaction_state`. A step judges a request, a timer or
//! the outcome of markers; what it changes is one record, and a restart rebuilds all but what a producer's retry may
//! still ask for, as in Kafka. A transaction ends in three steps: the decision is stored (`Prepare…`), the markers are
//! written once it is committed (a deed), the end is stored (`Complete…`).
//!
//! Absent from here: time, chance, waiting, the log, the wire; where partitions are led and how a marker is written;
//! where producer ids come from (a step says when it needs one, and is asked again with it).

mod add_partitions;
mod ask;
mod codec;
mod describe;
mod effects;
mod end;
mod error;
mod expire;
mod init_producer_id;
mod markers;
pub mod records;
pub mod request;
mod settings;
mod shard;
mod state;
#[cfg(test)]
mod tests;

pub use effects::{Deed, Event, Marked, Soft, TimerKey};
pub use error::TxnError;
pub use records::{Record, Transaction};
pub use request::{Reply, Request};
pub use settings::Settings;
pub use shard::Shard;
pub use state::State;

pub use crate::shard::{Caller, Text};

/// What a step of a shard wants done.
type Effects = crate::shard::Effects<Shard>;
/// A change to a shard's timer.
type TimerChange = crate::shard::TimerChange<TimerKey>;
