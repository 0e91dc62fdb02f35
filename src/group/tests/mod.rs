//! Golden scripts and properties of the shard.

mod assignors;
mod bench;
mod consumer_property;
mod golden;
mod property;
mod script;
mod show;
