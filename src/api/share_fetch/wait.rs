//! From the partitions of a share session to what they deliver, now or when something becomes available.

use crate::api::error::ErrorCode;
use crate::api::shares::{known, refused, Refusal};
use crate::api::Services;
use crate::replica::Waiter;
use crate::share::partition::{AcquireMode, AcquireSpec};
use crate::sharing::{Delivered, Demand, SessionKey, Share, ShareError, TopicIdPartition};
use futures_util::future::{join_all, select_all};
use futures_util::FutureExt;
use kafka_protocol::messages::ShareFetchRequest;
use std::sync::Arc;
use std::time::Duration;

/// A partition that woke the request in vain is left alone for this. Milliseconds.
const PAUSE_MS: u64 = 20;

/// What one partition gave.
pub(super) type Read = (TopicIdPartition, Result<Delivered, Refusal>);

/// What is to be read, and for how long to wait for it.
pub(super) struct Reading {
    key: SessionKey,
    partitions: Vec<TopicIdPartition>,
    max_bytes: usize,
    min_bytes: usize,
    max_records: i64,
    demand: Demand,
    deadline_ms: i64,
}

impl Reading {
    pub(super) fn new(
        services: &Services,
        key: &SessionKey,
        request: &ShareFetchRequest,
        partitions: Vec<TopicIdPartition>,
    ) -> Self {
        let max_bytes = request.max_bytes.min(services.config.topics.fetch_max_bytes).max(0) as usize;
        let acquire = AcquireSpec {
            member: key.member.clone(),
            max_records: 0,
            batch_size: i64::from(request.batch_size.max(1)),
            mode: AcquireMode::BatchOptimized,
        };
        let isolation = services.shares.settings_of(&key.group).isolation;
        Self {
            key: key.clone(),
            partitions,
            max_bytes,
            min_bytes: (request.min_bytes.max(0) as usize).min(max_bytes),
            max_records: i64::from(request.max_records.max(0)),
            demand: Demand { acquire, max_bytes, min_one_batch: true, isolation },
            deadline_ms: services.clock.now().mono_ms.saturating_add(i64::from(request.max_wait_ms.max(0))),
        }
    }

    /// What there is; waits until there is something, or for as long as the request says.
    pub(super) async fn run(self, services: &Arc<Services>) -> Vec<Read> {
        if self.partitions.is_empty() || self.max_records == 0 || self.max_bytes == 0 {
            return Vec::new();
        }
        let mut in_vain = false;
        loop {
            let (shares, mut reads) = self.shares(services).await;
            // From here on nothing that happens is missed.
            let watches: Vec<_> = shares.iter().map(|(_, share)| share.watch()).collect();
            let left_ms = self.deadline_ms.saturating_sub(services.clock.now().mono_ms);
            if left_ms <= 0 || !reads.is_empty() || self.is_enough(services, &shares) {
                self.take(services, &shares, &mut reads);
            }
            if left_ms <= 0 || !reads.is_empty() {
                return reads;
            }
            let change =
                select_all(watches.into_iter().map(|mut watch| async move { watch.changed().await.is_ok() }.boxed()));
            let quiet = shares.is_empty();
            let watched = shares.iter().filter_map(|(_, share)| services.shares.watched(share, self.demand.isolation));
            let mut waiter = Waiter::default();
            let pause = Duration::from_millis(if in_vain { PAUSE_MS.min(left_ms.unsigned_abs()) } else { 0 });
            let woken = async {
                tokio::time::sleep(pause).await;
                waiter.wait(watched, self.min_bytes.max(1), left_ms).await
            };
            tokio::select! {
                biased;
                _ = change, if !quiet => {}
                _ = woken => in_vain = true,
            }
        }
    }

    /// The share-partitions that can be read, and what is to be told of the others. One whose state cannot be read yet is
    /// neither: the member asks again.
    async fn shares(&self, services: &Arc<Services>) -> (Vec<(TopicIdPartition, Arc<Share>)>, Vec<Read>) {
        let found = self.partitions.iter().map(|at| async {
            let name = known(services, &self.key.group, *at)?;
            services.shares.share(&name).await.map_err(|error| match error {
                ShareError::CoordinatorNotAvailable => (ErrorCode::None, String::new()),
                error => refused(error),
            })
        });
        let (mut shares, mut reads) = (Vec::new(), Vec::new());
        for (at, found) in self.partitions.iter().zip(join_all(found).await) {
            match found {
                Ok(share) => shares.push((*at, share)),
                Err((ErrorCode::None, _)) => {}
                Err(refusal) => reads.push((*at, Err(refusal))),
            }
        }
        (shares, reads)
    }

    fn is_enough(&self, services: &Services, shares: &[(TopicIdPartition, Arc<Share>)]) -> bool {
        if self.min_bytes <= 1 {
            return true;
        }
        let bytes = shares.iter().map(|(_, share)| services.shares.deliverable_bytes(share, &self.demand));
        bytes.sum::<usize>() >= self.min_bytes
    }

    fn take(&self, services: &Services, shares: &[(TopicIdPartition, Arc<Share>)], reads: &mut Vec<Read>) {
        let (mut bytes, mut records) = (0, 0);
        for (at, share) in shares {
            if records >= self.max_records || bytes >= self.max_bytes {
                return;
            }
            let mut demand = self.demand.clone();
            demand.acquire.max_records = self.max_records - records;
            demand.max_bytes = self.max_bytes - bytes;
            demand.min_one_batch = bytes == 0;
            match services.shares.deliver(share, &demand) {
                Ok(delivered) if delivered.acquired.is_empty() => {}
                Ok(delivered) => {
                    bytes += delivered.length_bytes;
                    records += delivered.records;
                    reads.push((*at, Ok(delivered)));
                }
                Err(error) => reads.push((*at, Err(refused(error)))),
            }
        }
    }
}
