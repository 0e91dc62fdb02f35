//! The transaction coordinator over a log in memory, and markers that the test writes.

use super::super::deeds::Doer;
use super::super::markers::{MarkerError, MarkerOutcomes, MarkerWriter, TxnMarker};
use super::super::transactions::{Marking, Transactions};
use super::*;
use crate::ids::TopicPartition;
use crate::metadata::cache::MetadataCache;
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use crate::shard::Ask;
use crate::txn::request::{
    AddPartitionsToTxn, DescribeTransaction, EndTxn, InitProducerId, ListTransactions, ProducerReply,
};
use crate::txn::{Event, Shard, State as TxnState, TxnError};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;

/// Notes the markers and answers as it is told.
#[derive(Default)]
struct Markers {
    written: Mutex<Vec<(TxnMarker, Vec<TopicPartition>)>>,
    failing: Mutex<Option<MarkerError>>,
}

impl MarkerWriter for Markers {
    fn write(&self, marker: TxnMarker, partitions: Vec<TopicPartition>) -> BoxFuture<'static, MarkerOutcomes> {
        self.written.lock().push((marker, partitions.clone()));
        let result = self.failing.lock().clone().map_or(Ok(()), Err);
        let outcomes = partitions.into_iter().map(|partition| (partition, result.clone())).collect();
        Box::pin(std::future::ready(outcomes))
    }
}

impl Markers {
    fn count(&self) -> usize {
        self.written.lock().len()
    }
}

struct World {
    journal: Arc<MemoryJournal>,
    markers: Arc<Markers>,
    runtime: Arc<Transactions>,
}

/// The topics `t`, of four partitions, and the coordinator of transactions over `journal`.
fn over_journal(journal: &Arc<MemoryJournal>) -> World {
    let (markers, metadata) = (Arc::<Markers>::default(), Arc::new(MetadataCache::new()));
    let mut image = MetadataImage::new();
    elections::topic("t", 1, 4).iter().for_each(|record| image.apply(record).expect("a valid record"));
    let delta = MetadataDelta::between(&MetadataImage::new(), &image);
    metadata.publish(Arc::new(image), &delta);
    let settings = RuntimeSettings {
        machine: crate::txn::Settings::default(),
        partitions: 4,
        max_batch_bytes: 10_000,
        max_parked_replies: 6,
        commit_timeout_ms: 30_000,
    };
    let doer: Arc<dyn Doer<Shard>> = Arc::new(Marking { writer: markers.clone(), metadata });
    let parts = RuntimeParts { journal: journal.clone(), doer, clock: TokioClock::start(), rng: Rng::from_seed(1) };
    let runtime = Runtime::new(parts, settings);
    runtime.announce(Event::TransactionVersion(2));
    tokio::spawn(Arc::clone(&runtime).run_timers(CancellationToken::new()));
    World { journal: journal.clone(), markers, runtime }
}

async fn world() -> World {
    let world = over_journal(&Arc::default());
    for partition in 0..4 {
        world.runtime.load(partition, 5).await.expect("an empty log loads");
    }
    world
}

impl World {
    async fn ask<A: Ask<Shard>>(&self, ask: A) -> Result<A::Reply, TxnError> {
        self.runtime.execute(ask).await
    }

    /// A producer with an open transaction on `t-0` and on a topic that is gone.
    async fn open(&self, id: &str) {
        let init = InitProducerId {
            transactional_id: id.into(),
            timeout_ms: 60_000,
            expected: None,
            fresh_producer_id: Some(7),
        };
        let given = self.ask(init).await;
        assert_eq!(given, Ok(ProducerReply::Producer { producer_id: 7, epoch: 0 }));
        let add = AddPartitionsToTxn {
            transactional_id: id.into(),
            producer_id: 7,
            producer_epoch: 0,
            verify_only: false,
            client_version: 2,
            partitions: vec![TopicPartition::new("t", 0), TopicPartition::new("gone", 0)],
        };
        assert!(self.ask(add).await.expect("added").results.iter().all(|(_, error)| error.is_none()));
    }

    async fn state(&self, id: &str) -> TxnState {
        self.ask(DescribeTransaction { transactional_id: id.into() }).await.expect("served").expect("known").state
    }
}

fn commit_txn(id: &str) -> EndTxn {
    EndTxn {
        transactional_id: id.into(),
        producer_id: 7,
        producer_epoch: 0,
        commit: true,
        client_version: 2,
        fresh_producer_id: None,
    }
}

/// Lets every task have its turn.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn x10_markers_go_out_once_the_decision_is_replicated() {
    let world = world().await;
    world.open("a").await;
    world.journal.hold();
    let mut ended = Box::pin(world.runtime.execute(commit_txn("a")));
    settle().await;
    assert!(ended.as_mut().now_or_never().is_none() && world.markers.count() == 0, "the decision may still be lost");
    world.journal.release();
    assert_eq!(ended.await, Ok(ProducerReply::Producer { producer_id: 7, epoch: 1 }));
    settle().await;
    assert_eq!(world.state("a").await, TxnState::CompleteCommit);
    let marker =
        TxnMarker { producer_id: 7, producer_epoch: 1, coordinator_epoch: 5, commit: true, transaction_version: 2 };
    assert_eq!(*world.markers.written.lock(), [(marker, vec![TopicPartition::new("t", 0)])], "to what there is");
}

#[tokio::test(start_paused = true)]
async fn x10_markers_are_tried_again_until_they_are_written() {
    let world = world().await;
    world.open("a").await;
    *world.markers.failing.lock() = Some(MarkerError::NotLeader);
    assert!(world.ask(commit_txn("a")).await.is_ok(), "the answer does not wait for them");
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!((world.state("a").await, world.markers.count()), (TxnState::PrepareCommit, 4));
    *world.markers.failing.lock() = None;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.state("a").await, TxnState::CompleteCommit);
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(world.markers.count(), 5);
}

#[tokio::test(start_paused = true)]
async fn x10_a_partition_of_a_newer_epoch_needs_no_marker() {
    let world = world().await;
    world.open("a").await;
    *world.markers.failing.lock() = Some(MarkerError::InvalidProducerEpoch);
    assert!(world.ask(commit_txn("a")).await.is_ok());
    settle().await;
    assert_eq!((world.state("a").await, world.markers.count()), (TxnState::CompleteCommit, 1));
}

#[tokio::test(start_paused = true)]
async fn x10_a_log_that_refuses_the_end_hears_of_it_again() {
    let world = world().await;
    world.open("a").await;
    *world.markers.failing.lock() = Some(MarkerError::TimedOut);
    assert!(world.ask(commit_txn("a")).await.is_ok());
    settle().await;
    *world.markers.failing.lock() = None;
    world.journal.fail(Some(JournalError::NotEnoughReplicas));
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((world.state("a").await, world.markers.count()), (TxnState::PrepareCommit, 2));
    world.journal.fail(None);
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert_eq!(
        (world.state("a").await, world.markers.count()),
        (TxnState::CompleteCommit, 2),
        "nothing is written twice"
    );
}

#[tokio::test(start_paused = true)]
async fn x10_an_unloaded_shard_leaves_the_markers_to_whoever_loads_it() {
    let world = world().await;
    world.open("a").await;
    world.journal.hold();
    let ended = world.runtime.execute(commit_txn("a"));
    let partition = world.runtime.partition_for("a");
    world.runtime.unload(partition, None);
    assert_eq!(ended.await, Err(TxnError::NotCoordinator));
    world.journal.release();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    assert_eq!(world.markers.count(), 0);

    let next = over_journal(&world.journal);
    next.runtime.load(partition, 6).await.expect("what was written can be read");
    settle().await;
    assert_eq!(next.state("a").await, TxnState::CompleteCommit);
    let written = next.markers.written.lock();
    assert_eq!((written.len(), written[0].0.coordinator_epoch, written[0].0.producer_epoch), (1, 6, 1));
}

#[tokio::test(start_paused = true)]
async fn x13_time_outs_fire_and_follow_a_restart() {
    let world = world().await;
    world.open("a").await;
    tokio::time::sleep(Duration::from_millis(30_000)).await;
    // Its clock starts anew, by which the transaction is as young as it was.
    let next = over_journal(&world.journal);
    next.runtime.load(next.runtime.partition_for("a"), 6).await.expect("what was written can be read");
    tokio::time::sleep(Duration::from_millis(59_000)).await;
    assert_eq!(next.state("a").await, TxnState::Ongoing);
    tokio::time::sleep(Duration::from_millis(12_000)).await;
    assert_eq!(next.state("a").await, TxnState::CompleteAbort);
    assert!(!next.markers.written.lock()[0].0.commit);
}

#[tokio::test(start_paused = true)]
async fn x2_list_asks_every_shard_and_none_while_one_loads() {
    let world = world().await;
    world.open("a").await;
    for id in ["b", "c", "d", "e"] {
        let fresh_producer_id = Some(9);
        let init = InitProducerId { transactional_id: id.into(), timeout_ms: 1, expected: None, fresh_producer_id };
        world.ask(init).await.expect("given");
    }
    let listed = world.runtime.list(ListTransactions { duration_ms: -1, ..Default::default() }).await.expect("served");
    let mut ids: Vec<&str> = listed.iter().map(|listed| &*listed.transactional_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["a", "b", "c", "d", "e"]);
    assert!(world.runtime.begin_load(0, 6));
    let listed = world.runtime.list(ListTransactions::default()).await;
    assert_eq!(listed, Err(TxnError::CoordinatorLoadInProgress));
}
