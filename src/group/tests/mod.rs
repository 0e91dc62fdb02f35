//! Golden scripts and properties of the shard.

mod bench;
mod golden;
mod property;
mod script;
mod show;
