//! The cluster as a value: records, the image they fold into, deltas, and the published cache.
//!
//! Every node holds the same list of committed [`record::MetadataRecord`]s and folds it with the same function,
//! [`image::MetadataImage::apply`]. Who reads, reads an immutable [`image::MetadataImage`]; who must act on a change is
//! told the difference, a [`delta::MetadataDelta`].
//!
//! Absent from here: deciding anything (`controller/`), replicating anything (`quorum/`), and every wire type.

pub mod broker;
pub mod cache;
pub mod codec;
pub mod configs;
pub mod delta;
pub mod image;
pub mod partition;
pub mod quotas;
pub mod record;
pub mod scram;
pub mod topic;

#[cfg(test)]
mod tests;
