//! Klamm: a broker that speaks Kafka's wire protocol, takes Apache Kafka's place, and is one small binary.
//!
//! Async at the edges, sync in the core: sockets, waiting and driving raft are async; the log, the partition, the
//! metadata image, the controller and the group shards are plain synchronous Rust that takes `now` and returns what
//! happened. Metadata is a replicated list of records, and every node's view of it is a fold, swapped as one `Arc`.
//!
//! # Code map, lowest layer first
//! A room may import the rooms of the layers below it, and of its own layer only what `tidy.rs` lists.
//!
//! **L0, ground**
//! - `ids`: names that all rooms share: nodes, partitions, Kafka's text form of a UUID. Absent: behaviour.
//! - `clock`, `rng`: the only sources of now and of chance, handed in by `node`. Absent: timers.
//! - `config`: keys, defaults and their layers (defaults < file < environment < command line), and the topic configs as
//!   one table. Absent: what a setting does.
//! - `disk`: the only door to files, and a simulated disk that crashes. Absent: what files mean.
//! - `kv`: the only door to RocksDB, and its memory twin. Absent: keys and values.
//! - `record`: batches as bytes: view, validation, stamping, compression, builders, and the codecs of the internal
//!   topics. Absent: offsets beyond a batch, files.
//! - `wire`: frames, API versions, the walk over a frame before it is decoded, answers that carry record bytes by
//!   reference. Absent: sockets, meaning.
//! - `telemetry`: metrics and log lines. Absent: decisions.
//!
//! **L1, state**
//! - `log`: one partition's batches on one disk: segments, index, recovery, producer state, epochs, retention, and
//!   compaction in `log::cleaner`. Absent: replication, waiting, tokio.
//! - `metadata`: the cluster as a value: records, image, delta, cache. Absent: deciding.
//! - `controller`: judges admin and broker requests against an image and answers with records; pure. Absent: I/O, raft.
//! - `quota`: who may send, fetch, ask, change and connect how much, and for how long the others are to wait. Absent:
//!   making anybody wait.
//! - `shard`: what a coordinator's state machine is: events in, effects out. Absent: any one machine, and its runtime.
//!
//! **L2, rooms**
//! - `replica`: logs as replicated partitions: leadership, append queue, high watermark, waiting for bytes, the flusher,
//!   when the log cleaner runs. Absent: wire types, requests.
//! - `group`: classic and consumer (KIP-848) groups as pure shards, and the offsets they commit. Absent: I/O, tokio.
//! - `txn`: transactional ids and the transactions of their producers as pure shards. Absent: I/O, tokio.
//! - `share`: share groups as pure state: what their coordinator keeps, what a leader delivers. Absent: I/O, tokio.
//! - `coordinator`: runs the shards on the led partitions of the internal topics. Absent: what a group or a
//!   transaction is.
//! - `sharing`: share-partitions of the led partitions at work, and the sessions of who reads them. Absent: membership.
//! - `quorum`: the metadata quorum on raft-rs: core, driver, store, transport, handle. Absent: what an entry means,
//!   beyond one state machine that joins `controller` and `metadata`.
//!
//! **L3, talk**
//! - `api`: one handler file per API key, one table of errors. Absent: sockets, state.
//! - `server`: listeners, connections, the order of requests, bounds, HTTP. Absent: what a request means.
//!
//! `node` wires the rooms bottom-up and stops them top-down; `sim` (feature `sim`) runs them in a world that crashes.

// L0 ground
pub mod clock;
pub mod config;
pub mod disk;
pub mod ids;
pub mod kv;
pub mod record;
pub mod rng;
pub mod telemetry;
pub mod wire;
// L1 state
pub mod controller;
pub mod log;
pub mod metadata;
pub mod quota;
pub mod shard;
// L2 rooms
pub mod coordinator;
pub mod group;
pub mod quorum;
pub mod replica;
pub mod share;
pub mod sharing;
pub mod txn;
// L3 talk
pub mod api;
pub mod server;

pub mod node;
#[cfg(feature = "sim")]
pub mod sim;

#[cfg(test)]
mod tidy;
