//! Which segments become one.

use crate::log::config::LogConfig;
use crate::log::segment::Segment;
use std::sync::Arc;

/// Bytes that Kafka counts for an index entry.
const INDEX_ENTRY_BYTES: u64 = 8;

/// Puts neighbours together as long as their bytes and index entries fit in one segment and their offsets in its reach.
/// `end` is where the last segment ends.
pub(super) fn group<'a>(segments: &'a [Arc<Segment>], config: &LogConfig, end: i64) -> Vec<&'a [Arc<Segment>]> {
    let mut groups = Vec::new();
    let mut rest = segments;
    while let Some(first) = rest.first() {
        let (mut bytes, mut entries) = (first.tail().size_bytes, index_bytes(first, config));
        let mut count = 1;
        while let Some(next) = rest.get(count) {
            let size = next.tail().size_bytes;
            let next_end = rest.get(count + 1).map_or(end, |after| after.base_offset());
            let in_reach = size == 0 || next_end - 1 - first.base_offset() <= i64::from(i32::MAX);
            bytes += size;
            entries += index_bytes(next, config);
            if bytes > config.segment_bytes || entries > config.segment_index_bytes || !in_reach {
                break;
            }
            count += 1;
        }
        let (group, left) = rest.split_at(count);
        groups.push(group);
        rest = left;
    }
    groups
}

/// What the segment's index has at most: an entry for each interval.
fn index_bytes(segment: &Segment, config: &LogConfig) -> u64 {
    segment.tail().size_bytes / config.index_interval_bytes.max(1) * INDEX_ENTRY_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::keys::SegmentRow;

    fn segment(base: i64, size_bytes: u64) -> Arc<Segment> {
        let row = SegmentRow {
            closed: true,
            size_bytes,
            end_offset: base,
            max_timestamp: -1,
            first_timestamp: -1,
            last_index_position: 0,
        };
        Arc::new(Segment::known(base, &row))
    }

    fn bases(segments: &[Arc<Segment>], config: &LogConfig, end: i64) -> Vec<Vec<i64>> {
        let groups = group(segments, config, end);
        groups.iter().map(|group| group.iter().map(|segment| segment.base_offset()).collect()).collect()
    }

    #[test]
    fn c4_groups_are_bounded_by_bytes_index_and_offsets() {
        let config = LogConfig { segment_bytes: 100, index_interval_bytes: 10, ..LogConfig::default() };
        let even = [segment(0, 40), segment(10, 60), segment(20, 100), segment(30, 1), segment(40, 0)];
        assert_eq!(bases(&even, &config, 50), [vec![0, 10], vec![20], vec![30, 40]]);
        let index = LogConfig { segment_index_bytes: 8 * 8, ..config.clone() };
        assert_eq!(bases(&even, &index, 50), [vec![0], vec![10], vec![20], vec![30, 40]]);
        let reach = i64::from(i32::MAX);
        let far = [segment(0, 1), segment(10, 1), segment(reach, 1)];
        assert_eq!(bases(&far, &config, reach + 1), [vec![0, 10, reach]]);
        assert_eq!(bases(&far, &config, reach + 2), [vec![0, 10], vec![reach]]);
        assert_eq!(bases(&[], &config, 0), Vec::<Vec<i64>>::new());
    }
}
