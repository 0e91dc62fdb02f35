//! The topics that brokers keep for themselves, as they are to be created when first needed.

use super::request::NewTopic;
use crate::config::BrokerConfig;
use crate::metadata::image::MetadataImage;

/// How large an internal topic shall be, and how it keeps its records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InternalTopicSettings {
    /// `*.num.partitions`.
    pub partitions: i32,
    /// `*.replication.factor`.
    pub replication_factor: i16,
    /// `*.segment.bytes`: smaller than other topics', so that compaction keeps the topic short.
    pub segment_bytes: i32,
    /// `*.min.isr`; `None` leaves it to the brokers' own setting.
    pub min_insync_replicas: Option<i32>,
    /// The node stands alone: it must not wait for brokers that will never come.
    pub lone_node: bool,
}

impl InternalTopicSettings {
    /// What `config` says of `__consumer_offsets`.
    pub fn consumer_offsets(config: &BrokerConfig) -> Self {
        Self {
            partitions: config.groups.offsets_topic_num_partitions,
            replication_factor: config.groups.offsets_topic_replication_factor,
            segment_bytes: config.groups.offsets_topic_segment_bytes,
            min_insync_replicas: None,
            lone_node: config.is_lone_node(),
        }
    }

    /// What `config` says of `__transaction_state`.
    pub fn transaction_state(config: &BrokerConfig) -> Self {
        let transactions = &config.transactions;
        Self {
            partitions: transactions.transaction_state_log_num_partitions,
            replication_factor: transactions.transaction_state_log_replication_factor,
            segment_bytes: transactions.transaction_state_log_segment_bytes,
            min_insync_replicas: Some(transactions.transaction_state_log_min_isr),
            lone_node: config.is_lone_node(),
        }
    }

    /// What `config` says of `__share_group_state`.
    pub fn share_group_state(config: &BrokerConfig) -> Self {
        let shares = &config.shares;
        Self {
            partitions: shares.state_topic_num_partitions,
            replication_factor: shares.state_topic_replication_factor,
            segment_bytes: shares.state_topic_segment_bytes,
            min_insync_replicas: Some(shares.state_topic_min_isr),
            lone_node: config.is_lone_node(),
        }
    }
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

/// The replication factor to ask for: on a lone node at most one replica a live broker. Kafka refuses there for ever; the
/// clamping is this project's. In a larger cluster the brokers that are missing now will come, so nothing is clamped.
pub fn replication_factor(settings: &InternalTopicSettings, image: &MetadataImage) -> i16 {
    if !settings.lone_node {
        return settings.replication_factor;
    }
    let live = i16::try_from(image.live_brokers().count()).unwrap_or(i16::MAX);
    settings.replication_factor.min(live).max(1)
}

fn spec(name: &str, compression: &str, settings: &InternalTopicSettings, image: &MetadataImage) -> NewTopic {
    let replication_factor = replication_factor(settings, image);
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
