//! Runs group shards on the led partitions of the internal topics.
