//! Which names a topic may have.

use super::Refusal;

/// The longest name of a topic, in bytes: with a partition's number behind it, it still is a file name.
pub const MAX_TOPIC_NAME_BYTES: usize = 249;

/// Kafka's own metadata log; nobody may create a topic of its name.
pub(super) const CLUSTER_METADATA_TOPIC: &str = "__cluster_metadata";

/// Judges a topic's name (M3).
///
/// # Errors
/// [`Refusal::InvalidTopic`].
pub fn validate_topic_name(name: &str) -> Result<(), Refusal> {
    let is_legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let reason = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." {
        "'.' is not allowed".to_owned()
    } else if name == ".." {
        "'..' is not allowed".to_owned()
    } else if name.len() > MAX_TOPIC_NAME_BYTES {
        format!("the length of '{name}' is longer than the max allowed length {MAX_TOPIC_NAME_BYTES}")
    } else if !name.chars().all(is_legal) {
        format!("'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'")
    } else {
        return Ok(());
    };
    Err(Refusal::InvalidTopic(format!("Topic name is invalid: {reason}")))
}
