//! Logs as replicated partitions: who leads, who may write now, how far records are safe, and who waits for them.
//!
//! A [`Partition`] joins a log with its leadership. Appending passes through its queue: the first comer writes, who
//! finds it busy leaves the batch and gets a future. The high watermark is computed on the way up from the write, and
//! whoever waits is woken by it. A [`ReplicaManager`] holds all partitions of the node and follows the metadata.
//!
//! Each log directory has a [`lane::Lane`]: the thread that writes when its disk is slow, and the thread that syncs,
//! deletes and applies retention. Compacted logs are cleaned by threads of the node's. Nothing here syncs a file on a thread of the callers, but for what must be durable
//! before metadata is acted on.
//!
//! Absent from here: requests, wire types, error numbers, and fetching from other brokers.

pub mod burst;
mod cleaner;
mod cleaning;
pub mod error;
mod fetch;
mod flusher;
mod hosting;
mod lane;
mod leadership;
mod log_dirs;
pub mod manager;
mod offsets;
pub mod partition;
pub mod purgatory;
mod queue;
mod settings;
mod transactions;
mod watchdog;
mod watchers;
mod writing;

#[cfg(test)]
pub(crate) mod tests;

pub use burst::Burst;
pub use cleaning::CleanerReport;
pub use error::{AppendError, DeleteRecordsError, FetchError, ListOffsetError, PartitionError};
pub use fetch::{FetchRead, FetchSpec, Isolation};
pub use leadership::{FollowerFetch, Leadership};
pub use log_dirs::LogDirDescription;
pub use manager::{HostedDir, ManagerParts, OfflineDir, ReplicaManager};
pub use offsets::{ListSpec, ListedOffset, Offsets};
pub use partition::{Acks, Append, AppendFuture, Partition};
pub use purgatory::{Waiter, Watched, Woken};
pub use settings::TopicRules;
