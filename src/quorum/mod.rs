//! The metadata quorum: a replicated log on raft-rs, and the state machine that judges requests and folds records.
//!
//! ```text
//!  handle ──► driver ──► core ──► machine          driver: one task, the only one that waits
//!             │  ▲        └─► raft ─► store        core:   plain synchronous, events in, outputs out
//!   transport ┘  └ write-ahead thread ◄──┘         store:  entries, votes, snapshot, over kv/
//! ```
//!
//! A request is judged at once over the scratch state of the active controller, packed with others into one entry, and
//! answered when that entry is committed and applied. Followers and observers fold the same records.
//!
//! Absent from here: what the records mean (`metadata/`, `controller/`), the wire (`api/`), and any notion of topics.

pub mod core;
mod drain;
mod driver;
pub mod handle;
pub mod id;
pub mod machine;
pub mod metadata_machine;
pub mod observer;
pub mod settings;
pub mod status;
pub mod store;
pub mod transport;
mod writer;

pub use self::driver::FatalHook;
pub use self::handle::{Handle, Stopped, SubmitError};
pub use self::id::VoterId;
pub use self::settings::Settings;
pub use self::status::{LeaderView, QuorumStatus, ReplicaState};

use self::core::{Core, Fatal};
use self::driver::{Driver, Parts};
use self::machine::StateMachine;
use self::transport::{Mailbox, Transport};
use crate::clock::Clock;
use crate::kv::SharedKv;
use crate::rng::Rng;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

/// What surrounds a member of the quorum.
pub struct Surroundings {
    /// The store, opened with [`store::FAMILIES`] and a write-ahead log.
    pub kv: SharedKv,
    /// The way to other voters.
    pub transport: Arc<dyn Transport>,
    /// The way from them.
    pub mailbox: Mailbox,
    /// The clocks.
    pub clock: Arc<dyn Clock>,
    /// For election timeouts.
    pub rng: Rng,
    /// Ends the process when the member cannot go on.
    pub fatal: FatalHook,
    /// Whether the store is written by a thread of its own. Without, the driver writes it: for the simulator.
    pub threads: bool,
}

/// Why a member could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store or the settings.
    #[error(transparent)]
    Core(#[from] Fatal),
    /// The write-ahead thread.
    #[error("cannot start the write-ahead thread: {0}")]
    Thread(#[from] std::io::Error),
}

/// The door to the controller: its requests are admin and broker requests.
pub type ControllerHandle = Handle<metadata_machine::MetadataMachine>;

/// The driver, to be spawned on the control runtime. Ends after [`Handle::stop`], when every handle is dropped, or after
/// the fatal hook was called.
pub type DriverTask = Pin<Box<dyn Future<Output = ()> + Send>>;

/// This node's member of the metadata quorum.
pub struct Quorum;

impl Quorum {
    /// Opens the store and restores `machine` from its snapshot. The rest of the log is applied when the task first runs.
    ///
    /// # Errors
    /// The store failed or is corrupt, the settings make no sense, or no thread could be started.
    pub fn start<M: StateMachine>(
        settings: Settings,
        machine: M,
        surroundings: Surroundings,
    ) -> Result<(Handle<M>, DriverTask), StartError> {
        let Surroundings { kv, transport, mailbox, clock, rng, fatal, threads } = surroundings;
        let (handle, channels) = Handle::new(settings.submit_timeout_ms);
        let tick_ms = settings.tick_ms;
        let core = Core::open(settings, kv.clone(), machine, rng)?;
        let driver = Driver::new(Parts { core, channels, mailbox, transport, clock, tick_ms }, kv, threads)?;
        Ok((handle, Box::pin(driver.run(fatal))))
    }
}

#[cfg(test)]
mod tests;
