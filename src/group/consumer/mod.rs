//! The consumer group protocol (KIP-848): the coordinator assigns, and takes each member from what it has to what it is to
//! have, one step a heartbeat.
//!
//! Each phase has its file. A turn works on a [`Draft`](working::Draft): a copy of the group that takes in each record as it
//! is written, by the same code that replays it; so what a step sees is what the log will say. All of a consumer group's
//! state is hard, but for when its topics were last looked at.
//!
//! Absent: client-side assignors (not in Kafka either), racks, and topics hidden from who may not describe them.

mod assign;
mod assignor;
mod classic;
mod codec;
mod describe;
mod downgrade;

mod heartbeat;
mod leave;
mod member;
mod offsets;
mod partitions;
mod reconcile;
mod records;
mod refusal;
mod regex;
mod state;
mod subscription;
mod upgrade;
mod working;

pub use assignor::Assignor;
pub(super) use offsets::Allowed;
pub use partitions::Partitions;
pub use records::ConsumerRecord;
pub use refusal::Refusal;
pub use state::ConsumerGroup;

#[cfg(test)]
pub use assignor::{GroupSpec, MemberSpec};
#[cfg(test)]
pub use member::Profile;
#[cfg(test)]
pub use partitions::Owned;
