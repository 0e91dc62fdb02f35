//! Black-box tests over TCP: a real `klamm` process, and a client that says exactly what a test wants said.
//!
//! Tests lie in `tests/`, one file per API as in `src/api/`, besides `connection.rs` for what all requests share. Most tests
//! of a file talk to one broker ([`shared`]) about topics and groups of their own.

mod admin;
mod client;
pub mod consumer_groups;
pub mod groups;
pub mod markers;
mod process;
pub mod records;
pub mod samples;
pub mod shares;
pub mod topics;
mod transaction_samples;
pub mod transactions;

pub use client::{frame, Client};
pub use process::{refusal, Broker};

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::{GroupId, TopicName};
use kafka_protocol::protocol::StrBytes;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a broker may take to be ready, an answer to come, and a condition to come true.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a condition that nothing announces.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// The broker that the tests of one file share. It ends with the process.
pub fn shared() -> &'static Broker {
    static SHARED: OnceLock<Broker> = OnceLock::new();
    SHARED.get_or_init(Broker::start)
}

/// An error code by its name; `None` is success.
pub fn error(code: i16) -> Option<ResponseError> {
    ResponseError::try_from_code(code)
}

/// Text as the codec has it.
pub fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

/// A topic's name as the codec has it.
pub fn topic_name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// A group's id as the codec has it.
pub fn group_id(name: &str) -> GroupId {
    GroupId(text(name))
}

/// Asks until there is an answer. For what becomes true by itself and says so to nobody.
pub fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < deadline, "in vain: {what}");
        std::thread::sleep(LOOK_AGAIN);
    }
}
