//! The cluster as a value: records, the image they fold into, deltas, and the published cache.
