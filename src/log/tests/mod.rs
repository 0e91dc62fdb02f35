//! Tests of the whole log.

mod appending;
mod keeping;
mod kit;
mod lookups;
mod model;
mod producers;
mod recovery;
