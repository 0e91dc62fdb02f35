//! Delivering: from what a member asks for to bytes of the log and the records of them that it now holds.

use super::error::ShareError;
use super::manager::ShareManager;
use super::share::Share;
use super::slice::Slicer;
use crate::log::Piece;
use crate::replica::{FetchError, FetchRead, FetchSpec, Isolation, Watched};
use crate::share::partition::{AcquireSpec, Acquired, SharePartition};
use std::sync::Arc;

/// What a member asks one partition for.
#[derive(Clone, Debug)]
pub struct Demand {
    /// Who, and how many records.
    pub acquire: AcquireSpec,
    /// Most bytes.
    pub max_bytes: usize,
    /// The first batch comes whole even if it is larger.
    pub min_one_batch: bool,
    /// How far the group sees.
    pub isolation: Isolation,
}

/// What a partition gives.
#[derive(Default)]
pub struct Delivered {
    /// Whole batches of the log, records among them that the member does not hold.
    pub pieces: Vec<Piece>,
    /// Bytes of all pieces.
    pub length_bytes: usize,
    /// What it holds.
    pub acquired: Vec<Acquired>,
    /// How many records that are.
    pub records: i64,
}

impl ShareManager {
    /// Delivers what is available.
    pub fn deliver(self: &Arc<Self>, share: &Arc<Share>, demand: &Demand) -> Result<Delivered, ShareError> {
        if !share.is_current() {
            return Err(ShareError::NotLeaderOrFollower);
        }
        let limits = self.settings_of(&share.name.group).limits;
        let now_ms = self.parts.clock.now().mono_ms;
        let delivered = share.with(|state| {
            state.log_starts_at(share.partition.log().log_start_offset());
            self.run_out(share, state, now_ms);
            if !state.can_acquire(&limits) {
                return Ok(Delivered::default());
            }
            let Some(read) = read(share, state, demand)? else { return Ok(Delivered::default()) };
            let aborted = read.aborted.unwrap_or_default();
            let mut slicer = Slicer::new(&read.pieces, &aborted);
            let acquired = state.acquire(&mut slicer, &demand.acquire, &limits, now_ms);
            let unreadable = slicer.failed.is_some();
            if let Some(error) = slicer.failed.take() {
                tracing::error!("{} cannot be read for {}: {error}", share.partition.name(), share.name);
            }
            let (Some(first), Some(last)) = (acquired.first(), acquired.last()) else {
                return if unreadable { Err(ShareError::Storage) } else { Ok(Delivered::default()) };
            };
            let pieces = slicer.between(first.first_offset, last.last_offset);
            self.look_again(share, state);
            let length_bytes = pieces.iter().map(Piece::length_bytes).sum();
            let records = acquired.iter().map(|one| one.last_offset - one.first_offset + 1).sum();
            Ok(Delivered { pieces, length_bytes, acquired, records })
        });
        delivered.unwrap_or(Err(ShareError::UnknownTopicOrPartition))
    }

    /// How many bytes could be delivered, counted up to about `enough`.
    pub fn deliverable_bytes(&self, share: &Share, demand: &Demand) -> usize {
        let limits = self.settings_of(&share.name.group).limits;
        let counted = share.with(|state| match state.can_acquire(&limits) {
            true => read(share, state, demand).ok().flatten().map_or(0, |read| read.length_bytes),
            false => 0,
        });
        counted.unwrap_or(0)
    }

    /// Where new bytes of the log would be deliverable; none if it would take more than those.
    pub fn watched(&self, share: &Share, isolation: Isolation) -> Option<Watched> {
        let limits = self.settings_of(&share.name.group).limits;
        let from_offset =
            share.with(|state| state.can_acquire(&limits).then(|| state.next_fetch_offset())).flatten()?;
        Some(Watched { partition: share.partition.clone(), from_offset, isolation })
    }
}

/// Reads from the next offset to be delivered on; nothing where that lies beyond what may be seen.
fn read(share: &Share, state: &SharePartition, demand: &Demand) -> Result<Option<FetchRead>, ShareError> {
    let spec = FetchSpec {
        offset: state.next_fetch_offset(),
        max_bytes: demand.max_bytes,
        min_one_batch: demand.min_one_batch,
        isolation: demand.isolation,
        current_leader_epoch: share.leader_epoch,
        last_fetched_epoch: -1,
        cursor: None,
    };
    match share.partition.read(&spec) {
        Ok(read) => Ok(Some(read)),
        // The log has lost its end, or its start has moved just now.
        Err(FetchError::OffsetOutOfRange { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
