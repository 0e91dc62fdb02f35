//! The shard on a bench: golden scripts, and random interleavings.

mod bench;
mod golden;
mod property;
mod script;
mod show;
