//! The topics that brokers keep for themselves, as they are to be created when first needed.

use super::request::NewTopic;
use crate::metadata::image::MetadataImage;

/// `segment.bytes` of the topics that hold groups and transactions: small, so that compaction keeps them short.
const SEGMENT_BYTES: i32 = 100 * 1024 * 1024;

/// How large an internal topic shall be, and how it keeps its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternalTopicSettings {
    /// `*.num.partitions`.
    pub partitions: i32,
    /// `*.replication.factor`.
    pub replication_factor: i16,
    /// `*.segment.bytes`.
    pub segment_bytes: i32,
    /// `*.min.isr`; `None` leaves it to the brokers' own setting.
    pub min_insync_replicas: Option<i32>,
}

impl InternalTopicSettings {
    /// Kafka's defaults for `__consumer_offsets`.
    pub const CONSUMER_OFFSETS: Self =
        Self { partitions: 50, replication_factor: 3, segment_bytes: SEGMENT_BYTES, min_insync_replicas: None };
    /// Kafka's defaults for `__transaction_state`.
    pub const TRANSACTION_STATE: Self =
        Self { partitions: 50, replication_factor: 3, segment_bytes: SEGMENT_BYTES, min_insync_replicas: Some(2) };
    /// Kafka's defaults for `__share_group_state`.
    pub const SHARE_GROUP_STATE: Self =
        Self { partitions: 50, replication_factor: 3, segment_bytes: SEGMENT_BYTES, min_insync_replicas: Some(2) };
}

/// The topic of committed offsets and groups.
pub fn consumer_offsets(settings: &InternalTopicSettings, image: &MetadataImage) -> NewTopic {
    spec("__consumer_offsets", "producer", settings, image)
}

/// The topic of transactions.
pub fn transaction_state(settings: &InternalTopicSettings, image: &MetadataImage) -> NewTopic {
    spec("__transaction_state", "uncompressed", settings, image)
}

/// The topic of share groups. Its records are deleted by its coordinator, not by retention.
pub fn share_group_state(settings: &InternalTopicSettings, image: &MetadataImage) -> NewTopic {
    let mut topic = spec("__share_group_state", "producer", settings, image);
    topic.configs[0].1 = Some("delete".to_owned());
    topic.configs.push(("retention.ms".to_owned(), Some("-1".to_owned())));
    topic
}

/// The replication factor that can be reached: a lone node must not wait for brokers that will never come.
/// Kafka refuses instead, for ever; the clamping is this project's.
pub fn clamped_replication_factor(settings: &InternalTopicSettings, image: &MetadataImage) -> i16 {
    let live = i16::try_from(image.live_brokers().count()).unwrap_or(i16::MAX);
    settings.replication_factor.min(live).max(1)
}

fn spec(name: &str, compression: &str, settings: &InternalTopicSettings, image: &MetadataImage) -> NewTopic {
    let replication_factor = clamped_replication_factor(settings, image);
    let mut configs = vec![
        ("cleanup.policy".to_owned(), Some("compact".to_owned())),
        ("compression.type".to_owned(), Some(compression.to_owned())),
        ("segment.bytes".to_owned(), Some(settings.segment_bytes.to_string())),
    ];
    if let Some(min_isr) = settings.min_insync_replicas {
        let min_isr = min_isr.min(i32::from(replication_factor));
        configs.push(("min.insync.replicas".to_owned(), Some(min_isr.to_string())));
    }
    NewTopic {
        name: name.to_owned(),
        partitions: settings.partitions,
        replication_factor,
        assignments: Vec::new(),
        configs,
    }
}
