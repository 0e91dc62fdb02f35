//! Markers on a coordinator's own partition.

use super::super::markers::{MarkerError, TxnMarker};
use super::*;

pub fn marker(producer_epoch: i16, coordinator_epoch: i32) -> TxnMarker {
    TxnMarker { producer_id: 7, producer_epoch, coordinator_epoch, commit: true, transaction_version: 2 }
}

#[tokio::test(start_paused = true)]
async fn x10_marker_is_told_once_replicated() {
    let (runtime, journal) = coordinator().await;
    let now = runtime.clock.now();
    journal.hold();
    let mut written = Box::pin(runtime.write_marker(1, marker(0, 3), now));
    assert_eq!(journal.batch_sizes(1).len(), 1, "written at once");
    assert!(written.as_mut().now_or_never().is_none(), "not yet replicated");
    journal.release();
    assert_eq!(written.await, Ok(()));
    journal.hold();
    assert_eq!(runtime.write_marker(1, marker(0, 3), now).await, Err(MarkerError::TimedOut));
    runtime.unload(1, None);
    assert_eq!(runtime.write_marker(1, marker(0, 3), now).await, Err(MarkerError::NotLeader));
    // What is in the log loads.
    runtime.load(1, 1).await.expect("control batches are read over");
}

#[tokio::test(start_paused = true)]
async fn x10_marker_that_a_disk_refuses_costs_the_shard() {
    let (runtime, journal) = coordinator().await;
    let now = runtime.clock.now();
    journal.fail(Some(JournalError::Storage("input/output error".into())));
    let refused = runtime.write_marker(1, marker(0, 3), now).await;
    assert!(matches!(refused, Err(MarkerError::Storage(_))), "{refused:?}");
    journal.fail(None);
    assert_eq!(runtime.write_marker(1, marker(0, 3), now).await, Err(MarkerError::NotLeader));
    assert_eq!(runtime.write_marker(2, marker(0, 3), now).await, Ok(()));
}
