//! Runs group shards on the led partitions of `__consumer_offsets`.
//!
//! One shard per led partition, behind one mutex that is held over step, append and replay, never over replication:
//! append the records → replay them → apply soft changes → arm timers → answer once the log is committed up to here. If
//! the append is refused nothing has happened. Answers to reads are held back like those to writes, until what they were
//! judged against is committed.
//!
//! Absent from here: what groups do (`group/`), and how the log is replicated (behind [`Journal`]).

mod agenda;
mod answer;
mod batches;
mod elections;
mod journal;
mod load;
mod partition_journal;
mod runtime;
mod slot;
mod stretch;
#[cfg(test)]
mod tests;
mod timers;

pub use journal::{Journal, JournalError};
pub use partition_journal::PartitionJournal;
pub use runtime::{java_string_hash, Runtime, RuntimeSettings, CONSUMER_OFFSETS};
