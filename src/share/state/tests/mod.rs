//! Golden scripts and properties of the share coordinator's shard.

mod bench;
mod golden;
mod property;
