//! Kafka's small text files: what segments cannot tell. All are replaced whole, by rename and sync.

use super::epochs::EpochEntry;
use crate::ids::{uuid_from_text, uuid_to_text, TopicPartition, Uuid};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Topic id of a partition's folder.
pub const PARTITION_METADATA: &str = "partition.metadata";
/// Leader epochs of a partition and where they start.
pub const LEADER_EPOCHS: &str = "leader-epoch-checkpoint";
/// Log start offsets of a directory's partitions.
pub const LOG_STARTS: &str = "log-start-offset-checkpoint";
/// Recovery points of a directory's partitions.
pub const RECOVERY_POINTS: &str = "recovery-point-offset-checkpoint";
/// High watermarks of a directory's partitions.
pub const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";
/// First dirty offsets of a directory's compacted partitions.
pub const CLEANER_POINTS: &str = "cleaner-offset-checkpoint";
/// There only between a clean stop and the next start.
pub const CLEAN_SHUTDOWN: &str = ".kafka_cleanshutdown";

/// Offsets by partition.
pub type Offsets = BTreeMap<TopicPartition, i64>;

/// Writes a checkpoint of offsets: version, count, then `topic partition offset` lines.
pub fn write_offsets<'a>(offsets: impl ExactSizeIterator<Item = (&'a TopicPartition, i64)>) -> Vec<u8> {
    let mut text = format!("0\n{}\n", offsets.len());
    for (partition, offset) in offsets {
        text.push_str(&format!("{} {} {offset}\n", partition.topic, partition.partition));
    }
    text.into_bytes()
}

/// Reads a checkpoint of offsets; `None` where the text is none, so that it is treated as absent.
pub fn read_offsets(bytes: &[u8]) -> Option<Offsets> {
    let lines = lines(bytes)?;
    let mut offsets = Offsets::new();
    // One name for all partitions of a topic, which stand together.
    let mut topic: Arc<str> = Arc::default();
    for line in lines {
        let mut fields = line.split(' ');
        let name = fields.next()?;
        if *topic != *name {
            topic = name.into();
        }
        let partition = fields.next()?.parse().ok()?;
        let offset = fields.next()?.parse().ok()?;
        offsets.insert(TopicPartition::new(topic.clone(), partition), offset);
    }
    Some(offsets)
}

/// Writes `leader-epoch-checkpoint`: version, count, then `epoch start` lines.
pub fn write_epochs(epochs: &[EpochEntry]) -> Vec<u8> {
    let mut text = format!("0\n{}\n", epochs.len());
    for entry in epochs {
        text.push_str(&format!("{} {}\n", entry.epoch, entry.start_offset));
    }
    text.into_bytes()
}

/// Reads `leader-epoch-checkpoint`; `None` where the text is none.
pub fn read_epochs(bytes: &[u8]) -> Option<Vec<EpochEntry>> {
    let lines = lines(bytes)?;
    let mut epochs: Vec<EpochEntry> = Vec::new();
    for line in lines {
        let (epoch, start) = line.split_once(' ')?;
        let entry = EpochEntry { epoch: epoch.parse().ok()?, start_offset: start.parse().ok()? };
        if epochs.last().is_some_and(|last| last.epoch >= entry.epoch || last.start_offset > entry.start_offset) {
            return None;
        }
        epochs.push(entry);
    }
    Some(epochs)
}

/// The lines after version and count, which must agree with them.
fn lines(bytes: &[u8]) -> Option<Vec<&str>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut lines = text.lines();
    if lines.next()?.trim() != "0" {
        return None;
    }
    let count: usize = lines.next()?.trim().parse().ok()?;
    let lines: Vec<&str> = lines.map(str::trim).filter(|line| !line.is_empty()).collect();
    (lines.len() == count).then_some(lines)
}

/// Writes `partition.metadata`.
pub fn write_partition_metadata(topic_id: &Uuid) -> Vec<u8> {
    format!("version: 0\ntopic_id: {}\n", uuid_to_text(topic_id)).into_bytes()
}

/// Reads `partition.metadata`; `None` where it is none.
pub fn read_partition_metadata(bytes: &[u8]) -> Option<Uuid> {
    let text = std::str::from_utf8(bytes).ok()?;
    text.lines().find_map(|line| line.strip_prefix("topic_id:")).and_then(|id| uuid_from_text(id.trim()))
}

/// Writes the clean-shutdown mark, with the broker epoch that the stopped broker had.
pub fn write_clean_shutdown(broker_epoch: i64) -> Vec<u8> {
    format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}").into_bytes()
}

/// The broker epoch in a clean-shutdown mark; -1 where an older Kafka left the file empty.
pub fn read_clean_shutdown(bytes: &[u8]) -> i64 {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let after = text.split_once("\"brokerEpoch\":").map_or("", |(_, after)| after);
    let number: String = after.trim().chars().take_while(|c| c.is_ascii_digit() || *c == '-').collect();
    number.parse().unwrap_or(-1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_kafkas_text() {
        let offsets: Offsets = [(TopicPartition::new("a", 0), 5), (TopicPartition::new("b-c", 12), 0)].into();
        let text = write_offsets(offsets.iter().map(|(partition, offset)| (partition, *offset)));
        assert_eq!(text, b"0\n2\na 0 5\nb-c 12 0\n");
        assert_eq!(read_offsets(&text), Some(offsets));
        let epochs = vec![EpochEntry { epoch: 0, start_offset: 0 }, EpochEntry { epoch: 3, start_offset: 9 }];
        assert_eq!(write_epochs(&epochs), b"0\n2\n0 0\n3 9\n");
        assert_eq!(read_epochs(&write_epochs(&epochs)), Some(epochs));
        let id = Uuid::from_u128(77);
        assert_eq!(write_partition_metadata(&id), b"version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAATQ\n");
        assert_eq!(read_partition_metadata(&write_partition_metadata(&id)), Some(id));
        assert_eq!(read_clean_shutdown(&write_clean_shutdown(42)), 42);
        assert_eq!(read_clean_shutdown(b""), -1);
    }

    #[test]
    fn torn_files_are_none() {
        for torn in [&b""[..], b"0\n", b"0\n2\na 0 5\n", b"1\n0\n", b"0\n1\na 0\n", b"0\n1\na 0 x\n", b"\xff"] {
            assert_eq!(read_offsets(torn), None);
        }
        assert_eq!(read_epochs(b"0\n2\n3 9\n1 10\n"), None, "epochs only grow");
        assert_eq!(read_partition_metadata(b"version: 0\n"), None);
    }
}
