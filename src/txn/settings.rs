//! What the operator may set, and the bounds that nobody may.

/// Transactional ids in one shard; one beyond it is refused. Ids.
pub const MAX_SHARD_TRANSACTIONS: usize = 1_000_000;
/// Tombstones written by one round of expiry; what is left goes in a next round. Records.
pub const MAX_EXPIRED_PER_ROUND: usize = 4_000;
/// Markers that were not written are tried again after this. Milliseconds.
pub const MARKER_RETRY_MS: i64 = 100;

/// The settings of transactions.
#[derive(Clone, Debug)]
pub struct Settings {
    /// `transaction.max.timeout.ms`.
    pub max_timeout_ms: i32,
    /// `transaction.abort.timed.out.transaction.cleanup.interval.ms`: timeouts are looked at in such steps.
    pub timeout_interval_ms: i64,
    /// `transactional.id.expiration.ms`.
    pub expiration_ms: i64,
    /// `transaction.remove.expired.transaction.cleanup.interval.ms`.
    pub expiration_interval_ms: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_timeout_ms: 900_000,
            timeout_interval_ms: 10_000,
            expiration_ms: 7 * 24 * 3_600_000,
            expiration_interval_ms: 3_600_000,
        }
    }
}
