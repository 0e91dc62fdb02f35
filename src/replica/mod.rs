//! Logs as replicated partitions: manager, append queue, high watermark, purgatory.
