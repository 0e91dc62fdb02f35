//! What a coordinator's state machine is: a pure shard that judges events and says what it wants done.
//!
//! A [`Machine`] holds the state of one partition of an internal topic. [`Machine::step`] judges an event and changes
//! nothing; it returns [`Effects`]. The runtime (`coordinator/`) appends their records, replays them into the machine,
//! applies the soft changes, arms the timers, answers once the records are committed, and then has the deeds done.
//!
//! Absent from here: any one machine (`group/`, `txn/`), and whatever runs them: the log, waiting, clocks, tokio.

mod effects;
mod machine;
mod timers;

pub use effects::{BatchProducer, Caller, Effects, Origin, TimerChange};
pub use machine::{Ask, Machine, TopicsChange, Trouble};
pub use timers::Timers;

/// A small text kept past its request: always a copy, never a slice of a frame.
pub type Text = std::sync::Arc<str>;
