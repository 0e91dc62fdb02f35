//! Tests of the quorum.

mod list_machine;
mod lone;
mod metadata;
