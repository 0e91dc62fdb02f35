//! The name of a share-partition: a partition as one group reads it.

use crate::ids::{uuid_from_text, uuid_to_text, Uuid};
use crate::record::internal::share_state::SharePartitionName;
use crate::shard::Text;
use std::fmt;

/// A partition of a topic, as one share group reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShareName {
    /// The group.
    pub group: Text,
    /// The topic's id.
    pub topic_id: Uuid,
    /// The partition's index.
    pub partition: i32,
    /// Kafka's text form, by whose hash its coordinator is found.
    text: Text,
}

impl ShareName {
    /// Names the share-partition.
    pub fn new(group: Text, topic_id: Uuid, partition: i32) -> Self {
        let text = Text::from(format!("{group}:{}:{partition}", uuid_to_text(&topic_id)));
        Self { group, topic_id, partition, text }
    }

    /// Kafka's text form, `group:topic id:partition`.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// Whether a text names a share-partition, as FindCoordinator asks for it.
    pub fn is_text(text: &str) -> bool {
        let mut parts = text.rsplitn(3, ':');
        let (partition, topic_id, group) = (parts.next(), parts.next(), parts.next());
        let number = partition.is_some_and(|partition| partition.parse::<i32>().is_ok());
        number && topic_id.and_then(uuid_from_text).is_some() && group.is_some_and(|group| !group.is_empty())
    }

    /// As it stands in a record.
    pub(super) fn stored(&self) -> SharePartitionName {
        SharePartitionName { group: self.group.to_string(), topic_id: self.topic_id, partition: self.partition }
    }
}

impl From<SharePartitionName> for ShareName {
    fn from(name: SharePartitionName) -> Self {
        Self::new(name.group.into(), name.topic_id, name.partition)
    }
}

impl fmt::Display for ShareName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s5_a_share_partition_is_named_by_group_topic_id_and_partition() {
        let id = uuid_from_text("AAECAwQFBgcICQoLDA0ODw").expect("a UUID");
        let name = ShareName::new("a:b".into(), id, 3);
        assert_eq!(&**name.text(), "a:b:AAECAwQFBgcICQoLDA0ODw:3");
        assert!(ShareName::is_text(name.text()));
        for not in ["", "g", "g:3", "g:AAECAwQFBgcICQoLDA0ODw:x", ":AAECAwQFBgcICQoLDA0ODw:3", "g:short:3"] {
            assert!(!ShareName::is_text(not), "{not}");
        }
    }
}
