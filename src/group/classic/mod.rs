//! The classic group protocol: members choose their assignment themselves, the broker only gathers and hands out.
//!
//! Each phase has its file. Every one of them works on a copy of the group (maps that share structure, so a copy is
//! cheap) inside a [`Turn`](super::shard::Turn), which collects the effects; nothing is changed in place.

mod heartbeat;
mod join;
mod leave;
mod members;
mod rebalance;
mod state;
mod static_members;
mod sync;

pub(super) use join::copied;
pub use members::Member;
pub use state::{ClassicGroup, State};
