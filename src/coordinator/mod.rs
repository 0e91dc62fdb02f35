//! Runs the shards of groups (`group/`), of transactions (`txn/`) and of share-group state (`share/`) on the led partitions
//! of their internal topics.
//!
//! One shard per led partition, behind one mutex that is held over step, append and replay, never over replication:
//! append the records → replay them → apply soft changes → arm timers → answer once the log is committed up to here, and
//! have done what the step orders. If the append is refused nothing has happened. Answers to reads are held back like
//! those to writes, until what they were judged against is committed.
//!
//! Absent from here: what the shards do ([`crate::shard`]), and how the log is replicated (behind [`Journal`]).

mod agenda;
mod answer;
mod batches;
mod deeds;
mod elections;
mod groups;
mod journal;
mod load;
mod local_markers;
mod markers;
mod partition_journal;
mod runtime;
mod shares;
mod slot;
mod stretch;
#[cfg(test)]
mod tests;
mod timers;
mod transactions;

pub use deeds::{Doer, Idle};
pub use groups::Groups;
pub use journal::{Journal, JournalError};
pub use local_markers::LocalMarkers;
pub use markers::{MarkerError, MarkerOutcomes, MarkerWriter, TxnMarker};
pub use partition_journal::PartitionJournal;
pub use runtime::{java_string_hash, Runtime, RuntimeParts, RuntimeSettings};
pub use shares::ShareStates;
pub use transactions::{Marking, Transactions, TRANSACTION_STATE};

/// The topic that groups live in.
pub const CONSUMER_OFFSETS: &str = <crate::group::Shard as crate::shard::Machine>::TOPIC;
/// The topic of share-group state.
pub const SHARE_GROUP_STATE: &str = <crate::share::state::StateShard as crate::shard::Machine>::TOPIC;
