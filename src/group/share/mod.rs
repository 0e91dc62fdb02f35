//! Share groups (KIP-932): the coordinator assigns partitions to members, the same one to several where there are more
//! members than partitions, and sees to it that the share coordinator knows each partition before anyone reads it.
//!
//! A turn works on a [`Draft`](heartbeat::Draft): a copy of the group that takes in each record as it is written, by the
//! same code that replays it. All of a share group's state is hard, but for when setting up partitions was last asked for.
//!
//! Absent: asking the share coordinator, which whoever handles a request does (`sharing/`), and racks. Assignments are
//! computed with every change, not at most every `group.share.assignment.interval.ms` as in Kafka 4.3, and are not sticky:
//! nothing is lost when a share group's partition moves.

mod admin;
mod assignor;
mod codec;
mod heartbeat;
mod records;
pub mod request;
mod state;

pub use records::ShareRecord;
pub use state::ShareGroup;
