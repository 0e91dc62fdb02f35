//! Share groups at work: the share-partitions of the partitions that this node leads, and the sessions of who reads them.
//!
//! A [`ShareManager`] loads a share-partition when it is first read, delivers records of the log from it, has what is
//! acknowledged stored before anyone is told, and takes back what members keep for too long.
//!
//! Absent from here: how records stand with a group ([`crate::share`]), who is a member (`group/`), wire types, errors'
//! numbers; and share coordinators on other nodes: what they would be asked is refused as unavailable.

mod delivery;
mod error;
mod manager;
mod membership;
mod sessions;
mod settings;
mod share;
mod slice;

pub use delivery::{Delivered, Demand};
pub use error::ShareError;
pub use manager::{ManagerParts, ShareManager};
pub use sessions::{SessionError, SessionKey, Sessions, TopicIdPartition, FINAL_EPOCH, INITIAL_EPOCH};
pub use settings::{GroupSettings, Reset, ShareGroupSettings};
pub use share::Share;
