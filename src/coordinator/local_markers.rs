//! Writes markers to the partitions that this broker leads. Those of other brokers are not reached from here.

use super::groups::Groups;
use super::markers::{MarkerError, MarkerOutcomes, MarkerWriter, TxnMarker};
use super::CONSUMER_OFFSETS;
use crate::clock::{Clock, Now};
use crate::ids::TopicPartition;
use crate::record::validate::ValidBatch;
use crate::replica::{Append, ReplicaManager};
use futures_util::future::{join_all, BoxFuture};
use futures_util::FutureExt;
use std::sync::Arc;

/// Writes to the partitions of this broker: where groups live, by their coordinator, which is those partitions' one
/// writer; to all others directly.
pub struct LocalMarkers {
    replicas: Arc<ReplicaManager>,
    groups: Arc<Groups>,
    clock: Arc<dyn Clock>,
    timeout_ms: i64,
}

impl LocalMarkers {
    /// For the partitions that `replicas` holds and the groups that live on them. A marker may take `timeout_ms` to be
    /// replicated (`request.timeout.ms`).
    pub fn new(
        replicas: Arc<ReplicaManager>,
        groups: Arc<Groups>,
        clock: Arc<dyn Clock>,
        timeout_ms: i64,
    ) -> Arc<Self> {
        Arc::new(Self { replicas, groups, clock, timeout_ms })
    }

    fn write_one(
        &self,
        place: &TopicPartition,
        marker: TxnMarker,
        batch: &ValidBatch,
        now: Now,
    ) -> BoxFuture<'static, Result<(), MarkerError>> {
        if &*place.topic == CONSUMER_OFFSETS {
            return self.groups.write_marker(place.partition, marker, now).boxed();
        }
        let partition = match self.replicas.partition(&place.topic, place.partition) {
            Ok(partition) => partition,
            Err(error) => return std::future::ready(Err(error.into())).boxed(),
        };
        let version = marker.transaction_version;
        match partition.append_marker(batch.clone(), version, self.timeout_ms, now) {
            Append::Done(outcome) => std::future::ready(outcome.map(drop).map_err(MarkerError::from)).boxed(),
            Append::Later(later) => later.map(|outcome| outcome.map(drop).map_err(MarkerError::from)).boxed(),
        }
    }
}

impl MarkerWriter for LocalMarkers {
    /// All are written when this returns, in this order; the future is the wait for replication.
    fn write(&self, marker: TxnMarker, partitions: Vec<TopicPartition>) -> BoxFuture<'static, MarkerOutcomes> {
        let now = self.clock.now();
        let waits: Vec<_> = match marker.batch(now.wall_ms) {
            Ok(batch) => partitions.iter().map(|place| self.write_one(place, marker, &batch, now)).collect(),
            Err(error) => {
                let error = MarkerError::Storage(error.to_string());
                partitions.iter().map(|_| std::future::ready(Err(error.clone())).boxed()).collect()
            }
        };
        async move { partitions.into_iter().zip(join_all(waits).await).collect() }.boxed()
    }
}
