//! Share groups (KIP-932) as pure state: what their coordinator keeps of a partition, and what its leader delivers.
//!
//! [`state`] is the shard of one partition of `__share_group_state`, in which all leaders keep how far each group has come
//! ([`crate::shard::Machine`]). [`partition`] is one partition as one group reads it, on the partition's leader.
//!
//! Absent from here: who is a member (`group/`), records, waiting, the log, the wire, tokio.

mod delivery;
mod name;
pub mod partition;
mod ranges;
pub mod state;

pub use delivery::DeliveryState;
pub use name::ShareName;
