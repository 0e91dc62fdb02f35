//! Kafka frames: bounds, the API version table, the shape walk, and the scatter buffer that answers leave in.
