//! Group state machines as pure shards: classic groups, consumer groups (KIP-848), share groups (KIP-932), and the offsets
//! that groups commit.
//!
//! A [`Shard`] holds the groups of one partition of `__consumer_offsets`. [`Shard::step`] judges an event and changes
//! nothing; it returns [`Effects`](crate::shard::Effects). The runtime (`coordinator/`) appends their records, then replays them into the shard,
//! then applies the soft changes. So a group has two layers: *hard* state, which is what the records say and what a
//! restart rebuilds, and *live* state (who waits, who is expected), which a restart forgets as Kafka does.
//!
//! Absent from here: time, chance, waiting, the log, and the wire. Requests and answers are plain Rust ([`request`]);
//! waiting callers are numbers ([`Caller`]).

mod ask;
mod classic;
mod codec;
mod consumer;
mod describe;
mod effects;
mod error;
mod offsets;
pub mod records;
pub mod request;
mod settings;
mod shard;
mod share;
#[cfg(test)]
mod tests;

pub use crate::shard::{Caller, Origin, Text};
pub use consumer::{Assignor, Partitions, Refusal};
pub use effects::{Event, Soft, TimerKey};
pub use error::GroupError;
pub use records::Record;
pub use request::{Reply, Request};
pub use settings::{ConsumerSettings, GroupConfig, MigrationPolicy, Settings, ShareGroupConfig, ShareSettings};
pub use shard::Shard;

/// What a step of a group's shard wants done.
type Effects = crate::shard::Effects<Shard>;
/// A change to a timer of a group's shard.
type TimerChange = crate::shard::TimerChange<TimerKey>;
