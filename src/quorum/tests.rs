//! Tests of the quorum.

mod cluster;
mod list_machine;
mod lone;
mod metadata;
mod observing;
mod stored;
mod three;
