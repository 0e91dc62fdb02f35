//! One partition on one disk: segments, index, recovery, producer state, leader epochs, retention, compaction.
//!
//! A log is a folder `topic-partition` of segment files in Kafka's own format, and one writer, [`Log`]. Everybody else
//! holds its [`LogReader`]: readers find out where bytes lie without waiting for the writer, and the directory's flusher
//! makes them durable without it. [`LogDir`] opens, deletes and flushes the logs of one disk. Files are the truth; the
//! index database beside them ([`keys`]) may be deleted whenever the node is stopped.
//!
//! Absent from here: replication, high watermarks (the caller bounds reads), waiting for bytes, threads, the bytes'
//! meaning beyond batch headers, and any clock: `now` comes in.

pub mod append;
pub mod checkpoints;
pub mod cleaner;
pub mod config;
mod deletions;
pub mod dir;
pub mod epochs;
pub mod error;
mod faults;
mod flush;
mod folder;
mod index;
pub mod keys;
mod making;
pub mod partition_log;
mod points;
pub mod producer_state;
pub mod read;
pub mod reader;
mod recovery;
pub mod retention;
mod roll;
mod scan;
mod segment;
mod snapshot;
mod summaries;
mod tail;
pub mod timestamps;
mod truncate;
pub mod verification;
mod view;
mod walk;

#[cfg(test)]
mod tests;

pub use append::{AppendBatch, Appended, FollowerAppended};
pub use cleaner::{
    CleanError, Cleanable, Cleaned, Cleaner, CleanerLimits, CleanerStats, HashKey, Outlook, Pace, Round,
};
pub use config::{Cleanup, DirLimits, LogConfig};
pub use dir::{DirParts, DirState, FoundLog, LogDir};
pub use error::{AppendRefused, LogError, ReadError};
pub use keys::AbortedTransaction;
pub use partition_log::Log;
pub use producer_state::{AppendOrigin, BatchMark, Producer};
pub use read::{Piece, ReadCursor, ReadPieces};
pub use reader::{LogReader, ALL_STABLE};
pub use retention::Freed;
pub use tail::TailCache;
pub use timestamps::TimestampOffset;
pub use verification::{ToVerify, Verification};
