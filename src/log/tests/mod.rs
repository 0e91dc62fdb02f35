//! Tests of the whole log.

mod appending;
mod kit;
