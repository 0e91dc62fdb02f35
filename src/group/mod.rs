//! Group state machines as pure shards: classic consumer groups and the offsets that groups commit.
//!
//! A [`Shard`] holds the groups of one partition of `__consumer_offsets`. [`Shard::step`] judges an event and changes
//! nothing; it returns [`Effects`]. The runtime (`coordinator/`) appends their records, then replays them into the shard,
//! then applies the soft changes. So a group has two layers: *hard* state, which is what the records say and what a
//! restart rebuilds, and *live* state (who waits, who is expected), which a restart forgets as Kafka does.
//!
//! Absent from here: time, chance, waiting, the log, and the wire. Requests and answers are plain Rust ([`request`]);
//! waiting callers are numbers ([`Caller`]).

mod ask;
mod classic;
mod codec;
mod describe;
mod effects;
mod error;
mod offsets;
pub mod records;
pub mod request;
mod settings;
mod shard;
#[cfg(test)]
mod tests;
mod timers;

pub use ask::Ask;
pub use effects::{Caller, Effects, Event, Soft, TimerChange, TimerKey};
pub use error::GroupError;
pub use records::{Origin, Record};
pub use request::{Reply, Request};
pub use settings::Settings;
pub use shard::Shard;
pub use timers::Timers;

/// A small text kept past its request: always a copy, never a slice of a frame.
pub type Text = std::sync::Arc<str>;
