//! What the share coordinator is asked about one share-partition, and what it answers.

use super::{ShareStateError, StateShard};
use crate::record::internal::share_state::StateBatch;
use crate::shard::{Ask, Text};
use crate::share::ShareName;

/// Sets a share-partition up, or anew (InitializeShareGroupState).
#[derive(Clone, Debug)]
pub struct Initialize {
    /// Which.
    pub name: ShareName,
    /// Whether the metadata knows the partition.
    pub exists: bool,
    /// An older one than what is known is refused.
    pub state_epoch: i32,
    /// Where the group starts; -1 if its leader is to find that out.
    pub start_offset: i64,
}

/// Asks for all of it on behalf of the partition's leader, whom older leaders do not survive (ReadShareGroupState).
#[derive(Clone, Debug)]
pub struct Read {
    /// Which.
    pub name: ShareName,
    /// Whether the metadata knows the partition.
    pub exists: bool,
    /// The leader's epoch; -1 for none.
    pub leader_epoch: i32,
}

/// Keeps what has changed (WriteShareGroupState).
#[derive(Clone, Debug)]
pub struct Write {
    /// Which.
    pub name: ShareName,
    /// Whether the metadata knows the partition.
    pub exists: bool,
    /// The state's epoch as the leader read it; -1 for none.
    pub state_epoch: i32,
    /// The leader's epoch; -1 for none.
    pub leader_epoch: i32,
    /// Where the group starts now; -1 if as before.
    pub start_offset: i64,
    /// Records from there on that will not be delivered again; -1 if unknown.
    pub delivery_complete_count: i32,
    /// What has changed.
    pub batches: Vec<StateBatch>,
}

/// Forgets a share-partition (DeleteShareGroupState).
#[derive(Clone, Debug)]
pub struct Delete {
    /// Which.
    pub name: ShareName,
    /// Whether the metadata knows the partition.
    pub exists: bool,
}

/// Asks how far the group has come (ReadShareGroupStateSummary).
#[derive(Clone, Debug)]
pub struct Summarize {
    /// Which.
    pub name: ShareName,
    /// Whether the metadata knows the partition.
    pub exists: bool,
    /// The partition's leader epoch as the asker knows it; -1 for none.
    pub leader_epoch: i32,
}

/// All there is to know of a share-partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// The state's epoch.
    pub state_epoch: i32,
    /// Where the group starts; -1 if that is not known yet.
    pub start_offset: i64,
    /// How records behind that stand.
    pub batches: Vec<StateBatch>,
}

/// How far a group has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The state's epoch.
    pub state_epoch: i32,
    /// The epoch of the leader that read last.
    pub leader_epoch: i32,
    /// Where the group starts; -1 if that is not known yet, or nothing is known.
    pub start_offset: i64,
    /// Records from there on that will not be delivered again; -1 if unknown.
    pub delivery_complete_count: i32,
}

/// Any question.
#[derive(Clone, Debug)]
#[allow(missing_docs, reason = "each is the request of its name")]
pub enum Request {
    Initialize(Initialize),
    Read(Read),
    Write(Write),
    Delete(Delete),
    Summarize(Summarize),
}

/// Any answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To what was to be kept or forgotten.
    Done(Result<(), ShareStateError>),
    /// To [`Read`].
    Known(Result<Known, ShareStateError>),
    /// To [`Summarize`].
    Summary(Result<Summary, ShareStateError>),
}

macro_rules! ask {
    ($request:ident, $kind:ident, $answer:ty) => {
        impl From<$request> for Request {
            fn from(request: $request) -> Self {
                Self::$request(request)
            }
        }
        impl Ask<StateShard> for $request {
            type Reply = Result<$answer, ShareStateError>;
            fn key(&self) -> &Text {
                self.name.text()
            }
            fn reply(reply: Reply) -> Option<Self::Reply> {
                match reply {
                    Reply::$kind(reply) => Some(reply),
                    _ => None,
                }
            }
        }
    };
}

ask!(Initialize, Done, ());
ask!(Read, Known, Known);
ask!(Write, Done, ());
ask!(Delete, Done, ());
ask!(Summarize, Summary, Summary);
