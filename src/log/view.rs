//! The segments of a log at one moment, shared by all who read it.

use super::segment::Segment;
use std::sync::Arc;

/// A log's segments in offset order; never empty, the last one is being appended to. A change makes a new view.
pub struct LogView {
    /// The segments.
    pub segments: Vec<Arc<Segment>>,
    /// How often the log was truncated: positions remembered from before are void.
    pub truncations: u64,
}

impl LogView {
    /// The segment that is being appended to.
    pub fn active(&self) -> &Arc<Segment> {
        self.segments.last().expect("a view has at least one segment")
    }

    /// Index of the segment that may hold `offset`: the last with a base at or below it, else the first.
    pub fn floor(&self, offset: i64) -> usize {
        self.segments.partition_point(|segment| segment.base_offset() <= offset).saturating_sub(1)
    }

    /// Bytes of all segments.
    pub fn size_bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.tail().size_bytes).sum()
    }

    /// Whether this very segment is part of the view.
    pub fn contains(&self, segment: &Arc<Segment>) -> bool {
        self.segments.get(self.floor(segment.base_offset())).is_some_and(|found| Arc::ptr_eq(found, segment))
    }
}
