//! The offsets that groups commit: stored, told, deleted, expired.

mod commit;
mod delete;
mod expire;
mod fetch;
mod pending;
mod table;
mod txn_commit;

pub(super) use commit::Committer;
pub(super) use pending::PendingOffsets;
pub(super) use table::Offsets;
