//! Tests of the whole log.

mod appending;
mod beside;
mod idle;
mod keeping;
mod kit;
mod lookups;
mod model;
mod names;
mod power;
mod producers;
mod recovery;
mod transactions;
