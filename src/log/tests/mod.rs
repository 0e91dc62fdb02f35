//! Tests of the whole log.

mod appending;
mod keeping;
mod kit;
mod lookups;
mod many;
mod model;
mod power;
mod producers;
mod recovery;
