//! The metadata machine behind a lone voter: from an empty store to topics, and back after a restart.

use crate::clock::{ManualClock, SystemClock};
use crate::controller::request::{BrokerHeartbeat, CreateTopics, NewTopic, RegisterBroker};
use crate::controller::{
    supported_features, ConfigRules, Controller, ControllerSettings, FeatureSetting, Refusal, Request, Response,
};
use crate::ids::{uuid_to_text, Uuid};
use crate::kv::memory::MemoryKv;
use crate::kv::SharedKv;
use crate::metadata::broker::{Endpoint, SecurityProtocol};
use crate::metadata::cache::MetadataCache;
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};
use crate::metadata::image::MetadataImage;
use crate::quorum::core::{Core, Event, Outputs};
use crate::quorum::machine::{Position, StateMachine as _};
use crate::quorum::metadata_machine::MetadataMachine;
use crate::quorum::settings::Settings;
use crate::quorum::store::wal::write_all;
use crate::quorum::store::FAMILIES;
use crate::quorum::transport::{inbox, NoPeers};
use crate::quorum::{Handle, Quorum, Surroundings};
use crate::rng::Rng;
use parking_lot::Mutex;
use std::sync::Arc;

/// Everything goes, with no table.
struct AnyConfig;

impl ConfigRules for AnyConfig {
    fn validate(&self, _: &ConfigResource, _: &Overrides, _: &[(String, Option<String>)]) -> Result<(), Refusal> {
        Ok(())
    }
    fn is_list(&self, _: ResourceType, _: &str) -> bool {
        false
    }
    fn value_beneath(&self, _: ResourceType, _: &str) -> Option<String> {
        None
    }
}

fn controller() -> Controller {
    let settings = ControllerSettings {
        node_id: 0,
        num_partitions: 1,
        default_replication_factor: 1,
        delete_topic_enable: true,
        broker_session_timeout_ms: 9000,
        features: FeatureSetting::built(),
        config_rules: Arc::new(AnyConfig),
    };
    Controller::new(settings, Rng::from_seed(1))
}

fn registration() -> Request {
    Request::RegisterBroker(RegisterBroker {
        broker_id: 0,
        cluster_id: cluster_id(),
        incarnation: Uuid::from_u128(77),
        endpoints: vec![Endpoint {
            listener: "PLAINTEXT".into(),
            host: "localhost".into(),
            port: 9092,
            security_protocol: SecurityProtocol::Plaintext,
        }],
        rack: None,
        log_dirs: vec![Uuid::from_u128(5)],
        features: supported_features(&FeatureSetting::built()),
    })
}

fn heartbeat(broker_epoch: i64, current_metadata_offset: i64) -> Request {
    Request::BrokerHeartbeat(BrokerHeartbeat {
        broker_id: 0,
        broker_epoch,
        current_metadata_offset,
        want_fence: false,
        want_shut_down: false,
    })
}

fn cluster_id() -> String {
    uuid_to_text(&Uuid::from_u128(9))
}

fn topic(name: &str) -> NewTopic {
    NewTopic {
        name: name.into(),
        partitions: 3,
        replication_factor: -1,
        assignments: Vec::new(),
        configs: vec![("retention.ms".into(), Some("1000".into()))],
    }
}

fn create(name: &str) -> Request {
    Request::CreateTopics(CreateTopics { topics: vec![topic(name)], validate_only: false })
}

fn start(kv: SharedKv) -> (Handle<MetadataMachine>, Arc<MetadataCache>) {
    let cache = Arc::new(MetadataCache::new());
    let surroundings = Surroundings {
        kv,
        transport: Arc::new(NoPeers),
        mailbox: inbox().1,
        clock: SystemClock::new(),
        rng: Rng::from_seed(7),
        fatal: Arc::new(|reason| panic!("{reason}")),
        threads: true,
    };
    let settings = Settings { snapshot_entries: 4, retained_entries: 1, ..Settings::lone(0) };
    let machine = MetadataMachine::new(controller(), cache.clone());
    let (handle, task) = Quorum::start(settings, machine, surroundings).unwrap();
    tokio::spawn(task);
    (handle, cache)
}

#[tokio::test]
async fn m11_topics_come_back_after_a_restart() {
    let kv: SharedKv = MemoryKv::new(FAMILIES.len());
    let (handle, cache) = start(kv.clone());
    handle.wait_active().await.unwrap();
    let created = Arc::new(Mutex::new(Vec::new()));
    cache.subscribe({
        let created = created.clone();
        Box::new(move |delta, _| {
            created.lock().extend(delta.changed_topics().map(|topic| topic.topic().name.to_string()));
        })
    });
    assert_eq!(handle.submit(Request::Bootstrap { cluster_id: cluster_id() }).await, Ok(Response::Bootstrap(Ok(()))));
    let Ok(Response::RegisterBroker(Ok(epoch))) = handle.submit(registration()).await else { panic!("not registered") };
    assert_eq!(cache.current().broker(0).unwrap().epoch, epoch, "the epoch that was answered is the entry's index");
    let applied = cache.current().applied().0;
    let answer = handle.submit(heartbeat(epoch, applied)).await.unwrap();
    assert!(
        matches!(answer, Response::BrokerHeartbeat(Ok(beat)) if beat.is_caught_up && !beat.is_fenced),
        "{answer:?}"
    );
    for name in ["a", "b", "c", "d", "e"] {
        let answer = handle.submit(create(name)).await.unwrap();
        assert!(matches!(&answer, Response::CreateTopics(topics) if topics[0].1.is_ok()), "{answer:?}");
        assert!(cache.current().topic_by_name(name).is_some(), "an answer leaves after the publication");
    }
    let again = handle.submit(create("c")).await.unwrap();
    assert!(matches!(
        &again,
        Response::CreateTopics(topics) if matches!(topics[0].1, Err(Refusal::TopicAlreadyExists(_)))
    ));
    assert_eq!(*created.lock(), ["a", "b", "c", "d", "e"]);
    let before = cache.current();
    handle.stop().await;

    let (handle, cache) = start(kv);
    handle.wait_active().await.unwrap();
    let after = cache.current();
    assert_eq!(after.to_records(), before.to_records());
    assert!(after.applied().1 > before.applied().1, "a new epoch was opened");
    handle.stop().await;
}

#[test]
fn a_snapshot_restores_the_same_image() {
    let mut machine = MetadataMachine::new(controller(), Arc::new(MetadataCache::new()));
    let mut index = 0;
    for request in [Request::Bootstrap { cluster_id: cluster_id() }, registration(), heartbeat(2, 2), create("a")] {
        index += 1;
        let at = Position { index, term: 3 };
        let decision = machine.decide(Default::default(), at, &request).unwrap();
        machine.apply(at, &decision.records).unwrap();
    }
    machine.publish();
    let snapshot = machine.snapshot()();
    let cache = Arc::new(MetadataCache::new());
    let mut other = MetadataMachine::new(controller(), cache.clone());
    other.restore(Position { index, term: 3 }, &snapshot).unwrap();
    other.publish();
    assert_eq!(*cache.current(), *machine.cache().current());
    assert_eq!(cache.current().topic_by_name("a").unwrap().partition_count(), 3);
    assert!(other.restore(Position { index, term: 3 }, &[9, 9]).is_err());
}

#[test]
fn what_is_in_flight_counts_until_leadership_is_lost() {
    let cache = Arc::new(MetadataCache::new());
    let mut machine = MetadataMachine::new(controller(), cache.clone());
    let at = Position { index: 1, term: 1 };
    machine.decide(Default::default(), at, &Request::Bootstrap { cluster_id: cluster_id() }).unwrap();
    let again = Request::Bootstrap { cluster_id: cluster_id() };
    assert!(machine.decide(Default::default(), at, &again).unwrap().records.is_empty(), "it is in flight");
    assert_eq!(*cache.current(), MetadataImage::new(), "but nobody sees it");
    machine.reset_scratch();
    assert!(!machine.decide(Default::default(), at, &again).unwrap().records.is_empty(), "it was dropped");
}

#[test]
fn a_record_that_nobody_could_read_back_is_refused() {
    let mut machine = MetadataMachine::new(controller(), Arc::new(MetadataCache::new()));
    let at = Position { index: 1, term: 1 };
    let Request::RegisterBroker(registration) = registration() else { unreachable!() };
    let rack = Some("r".repeat(2 << 20));
    let request = Request::RegisterBroker(RegisterBroker { rack, ..registration });
    assert!(machine.decide(Default::default(), at, &request).is_err());
    let again = machine.decide(Default::default(), at, &self::registration()).unwrap();
    assert_eq!(again.response, Response::RegisterBroker(Ok(1)), "the scratch is as it was");
}

/// A silent broker is fenced by the machine's own timed request.
#[test]
fn a_silent_broker_is_fenced() {
    let kv = MemoryKv::new(FAMILIES.len());
    let cache = Arc::new(MetadataCache::new());
    let clock = ManualClock::at(1_000_000);
    let machine = MetadataMachine::new(controller(), cache.clone());
    let mut core = Core::open(Settings::lone(0), kv.clone(), machine, Rng::from_seed(3)).unwrap();
    let settle = |core: &mut Core<MetadataMachine>, event: Option<Event<Request>>| {
        use crate::clock::Clock as _;
        let mut out = Outputs::default();
        match event {
            Some(event) => core.step(clock.now(), event, &mut out).unwrap(),
            None => core.start(clock.now(), &mut out).unwrap(),
        }
        while !out.writes.is_empty() {
            let last = write_all(&*kv, std::mem::take(&mut out.writes)).unwrap().unwrap();
            core.step(clock.now(), Event::Written(last), &mut out).unwrap();
        }
        clock.advance(100);
    };
    settle(&mut core, None);
    settle(&mut core, Some(Event::Submit(1, Request::Bootstrap { cluster_id: cluster_id() })));
    settle(&mut core, Some(Event::Submit(2, registration())));
    let epoch = cache.current().broker(0).unwrap().epoch;
    settle(&mut core, Some(Event::Submit(3, heartbeat(epoch, epoch))));
    assert!(!cache.current().broker(0).unwrap().fenced);
    for _ in 0..80 {
        settle(&mut core, Some(Event::Tick));
    }
    assert!(!cache.current().broker(0).unwrap().fenced, "8 s of silence are less than a session");
    clock.advance(60_000);
    settle(&mut core, Some(Event::Tick));
    assert!(!cache.current().broker(0).unwrap().fenced, "a minute without ticks is the controller's own silence");
    for _ in 0..20 {
        settle(&mut core, Some(Event::Tick));
    }
    assert!(cache.current().broker(0).unwrap().fenced);
}
