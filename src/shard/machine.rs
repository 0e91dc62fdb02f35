//! The state machine as its runtime sees it.

use super::{Effects, Origin, Text};
use crate::clock::Now;
use crate::metadata::image::MetadataImage;
use crate::record::internal::FieldError;
use std::fmt::Debug;
use std::sync::Arc;

/// Why a coordinator cannot answer, whatever it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// This broker does not coordinate the key (any more).
    NotCoordinator,
    /// The coordinator reads its log.
    LoadInProgress,
    /// The coordinator cannot persist now.
    NotAvailable,
    /// What the request asks to keep cannot be stored.
    TooLarge,
    /// The producer on whose behalf the records are written has been replaced.
    InvalidProducerEpoch,
    /// The transaction on whose behalf the records are written has ended meanwhile.
    InvalidTxnState,
}

/// What happened to topics between two images of the metadata.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicsChange {
    /// Some are new.
    pub added: bool,
    /// Some are new, or gone, or have more partitions.
    pub changed: bool,
}

impl TopicsChange {
    /// Whatever may have happened.
    pub const ANY: Self = Self { added: true, changed: true };
}

/// The state of one partition of an internal topic.
pub trait Machine: Sized + Send + 'static {
    /// The topic.
    const TOPIC: &'static str;

    /// What the operator sets.
    type Settings: Clone + Send + Sync + 'static;
    /// Something that happens to it.
    type Event: Clone + Send + 'static;
    /// Any question.
    type Request;
    /// Any answer.
    type Reply: Send + 'static;
    /// One record of its log.
    type Record: Send;
    /// A change to what a restart forgets.
    type Soft: Send;
    /// Names a timer. Arming a timer again moves it.
    type TimerKey: Clone + Debug + Ord + Send + 'static;
    /// The words in which it refuses.
    type Error: From<Trouble> + Send + 'static;
    /// Something done outside of it.
    type Deed: Send + 'static;

    /// One that knows nothing yet.
    fn new(settings: Self::Settings) -> Self;

    /// Judges an event. Changes nothing: what is to change is in the answer.
    fn step(&self, now: Now, event: Self::Event) -> Effects<Self>;

    /// Takes in a record that is in the log: the only way in which hard state changes, but for markers.
    fn replay(&mut self, origin: Origin, record: Self::Record);

    /// Takes in the end of a transaction in its log. Most logs have none.
    fn replay_marker(&mut self, _producer_id: i64, _committed: bool) {}

    /// Applies a change to live state, after the records of the same step have been replayed.
    fn apply(&mut self, soft: Self::Soft);

    /// A record's key, and value or tombstone. Fails on a text of more than 32,767 bytes, which no record can hold.
    fn encode(record: &Self::Record) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError>;

    /// Reads a record; none if it is of a kind that is not known here.
    fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self::Record>, FieldError>;

    /// What it holds, in a few words for the log.
    fn contents(&self) -> String;

    /// The event of a timer that has run down.
    fn on_timer(key: Self::TimerKey) -> Self::Event;

    /// The event of all records having been replayed.
    fn on_loaded() -> Self::Event;

    /// The event of the metadata having changed, if it goes by it. The first thing that it hears after a load, too.
    fn on_metadata(_image: &Arc<MetadataImage>, _topics: TopicsChange) -> Option<Self::Event> {
        None
    }

    /// The event of topics being gone, if that concerns it.
    fn on_topics_deleted(_topics: &[Text]) -> Option<Self::Event> {
        None
    }
}

/// A request with the type of its answer, so that a handler need not tell answers apart.
pub trait Ask<M: Machine>: Into<M::Request> {
    /// What it is answered with.
    type Reply: Send + 'static;

    /// What it is about: decides which shard is asked.
    fn key(&self) -> &Text;

    /// Takes the answer out of any answer; none if it is another request's.
    fn reply(reply: M::Reply) -> Option<Self::Reply>;

    /// What Kafka answers before it looks for the coordinator, if it refuses already then.
    fn refused_unseen(&self, _settings: &M::Settings) -> Option<Self::Reply> {
        None
    }

    /// What Kafka answers while the coordinator loads, if not that.
    fn while_loading(&self) -> Option<Self::Reply> {
        None
    }

    /// Whether its answer may be that of a later step.
    fn may_park(&self) -> bool {
        false
    }

    /// What the caller hears when its answer is not committed in time.
    fn not_committed() -> M::Error {
        Trouble::NotAvailable.into()
    }
}
