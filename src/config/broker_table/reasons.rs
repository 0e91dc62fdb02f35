//! Why a key of Kafka's is accepted without effect: the documentation of such keys.

pub(super) const SIZES: &str = "Accepted without effect: sizes a thread pool or a buffer that Klamm does not have.";
pub(super) const TIERED: &str = "Accepted without effect: tiered storage is not built.";
pub(super) const SECURITY: &str = "Accepted without effect: security is not built.";
pub(super) const STREAMS_GROUPS: &str = "Accepted without effect: streams groups are not built.";
pub(super) const VERIFIED: &str = "Accepted without effect: transactional data is always verified.";
pub(super) const REPLICATION: &str = "Accepted without effect: replication between brokers is not built.";
pub(super) const QUOTAS: &str = "Accepted without effect: quotas are those that are set, and no class judges them.";
pub(super) const PLUGINS: &str = "Accepted without effect: Klamm runs no Java plug-ins and has metrics of its own.";
pub(super) const OTHERWISE: &str = "Accepted without effect: Klamm does this in its own way.";
