//! What a partition does for transactions: verifications before they begin here, markers that end them, and the last
//! stable offset where it moves without an append (X6, X10, X12).

use super::error::AppendError;
use super::partition::{Acks, Append, Partition};
use crate::clock::Now;
use crate::log::{AppendOrigin, Log, LogError, ToVerify, Verification, ALL_STABLE};
use crate::record::validate::ValidBatch;
use std::sync::Arc;
use tokio::sync::oneshot;

impl Partition {
    /// Begins to verify that a transaction is open before its first batch is appended here; its coordinator is to be asked
    /// next. `None` if it is open here already. To be awaited only while the log's writer is at work.
    pub async fn begin_verification(
        self: &Arc<Self>,
        batch: ToVerify,
        now: Now,
    ) -> Result<Option<Verification>, AppendError> {
        self.check_append(Acks::Leader)?;
        if let Some(begun) = self.reader.try_begin_verification(&batch, now)? {
            return Ok(begun);
        }
        let (sender, receiver) = oneshot::channel();
        let job = move |log: &mut Option<Log>| {
            let begun = log.as_mut().map_or(Err(LogError::Closed), |log| log.begin_verification(&batch, now));
            // Who has stopped waiting does not hear it.
            let _ = sender.send(begun);
        };
        self.submit(Box::new(job), false);
        let begun = receiver.await.map_err(|_| self.why_gone())?;
        Ok(begun?)
    }

    /// Appends a batch whose transaction was verified to be open. Refused if a marker has voided the verification since.
    pub fn append_verified(
        self: &Arc<Self>,
        batch: ValidBatch,
        acks: Acks,
        verification: Option<Verification>,
        now: Now,
    ) -> Append {
        self.append(batch, acks, AppendOrigin::Client(verification), now)
    }

    /// Appends the marker that ends a transaction here, in the order of these calls; over when all replicas in sync have
    /// it, or after `timeout_ms`. Not for a coordinator's partition, whose one writer is its coordinator.
    pub fn append_marker(
        self: &Arc<Self>,
        marker: ValidBatch,
        transaction_version: i16,
        timeout_ms: i64,
        now: Now,
    ) -> Append {
        self.append(marker, Acks::All { timeout_ms }, AppendOrigin::Marker { transaction_version }, now)
    }

    /// Moves the last stable offset behind the high watermark, which has moved without an append.
    pub(super) fn settle_stable_offset(self: &Arc<Self>) {
        if self.reader.first_unstable_offset() == ALL_STABLE {
            return;
        }
        let partition = self.clone();
        let job = move |log: &mut Option<Log>| {
            let Some(log) = log else { return };
            match log.note_high_watermark(partition.high_watermark()) {
                Ok(()) => partition.tell(partition.news()),
                Err(error) => tracing::warn!(partition = %partition.name(), %error, "cannot move the stable offset"),
            }
        };
        self.submit(Box::new(job), false);
    }
}
