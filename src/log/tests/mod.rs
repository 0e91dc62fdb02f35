//! Tests of the whole log.

mod appending;
mod beside;
mod cleaning;
mod cleaning_crashes;
mod cleaning_kit;
mod cleaning_model;
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
