//! Fetch (key 1), versions 4–18.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::fetch_request::ForgottenTopic;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchRequest, FetchResponse};
use protocol_tests::records::{batches, Batch};
use protocol_tests::topics::{fetch_partition, fetch_request, fetch_topic, Topic, IDS_FROM};
use protocol_tests::{error, shared, topic_name, Broker, Client};
use std::time::{Duration, Instant};

const VERSIONS: std::ops::RangeInclusive<i16> = 4..=18;
/// Longer than any test: a fetch that waits for it fails.
const LONG_MS: i32 = 600_000;

fn only(response: &FetchResponse) -> &PartitionData {
    assert_eq!(error(response.error_code), None);
    assert_eq!((response.responses.len(), response.responses[0].partitions.len()), (1, 1));
    &response.responses[0].partitions[0]
}

fn length(partition: &PartitionData) -> usize {
    partition.records.as_ref().map_or(0, |records| records.len())
}

#[test]
fn f15_every_version_returns_batches_as_they_are_stored() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-versions", 1, &[]);
    let sent = Batch::of(&["a", "b", "c"]).encode();
    client.produce(&topic, 0, &Batch::of(&["a", "b", "c"]));
    client.append(&topic, 0, &["d"]);
    for version in VERSIONS {
        for offset in [0, 1, 3] {
            let response = client.call(version, &fetch_request(version, &[(&topic, 0, offset)]));
            assert_eq!((response.throttle_time_ms, response.session_id), (0, 0));
            match version >= IDS_FROM {
                true => assert_eq!(response.responses[0].topic_id, topic.id),
                false => assert_eq!(&*response.responses[0].topic.0, "fetch-versions"),
            }
            let partition = only(&response);
            assert_eq!((error(partition.error_code), partition.partition_index), (None, 0), "version {version}");
            assert_eq!((partition.high_watermark, partition.last_stable_offset), (4, 4));
            if version >= 5 {
                assert_eq!(partition.log_start_offset, 0);
            }
            if version >= 11 {
                assert_eq!(partition.preferred_read_replica.0, -1);
            }
            let found = batches(partition.records.as_ref().unwrap());
            let expected: &[(i64, i32)] = if offset < 3 { &[(0, 3), (3, 1)] } else { &[(3, 1)] };
            let seen: Vec<_> = found.iter().map(|batch| (batch.base_offset, batch.count)).collect();
            assert_eq!(seen, expected, "version {version}, offset {offset}");
            if offset < 3 {
                assert_eq!(found[0].bytes[16..], sent[16..]);
            }
        }
    }
}

#[test]
fn f1_answered_at_once_without_a_wait_partitions_or_patience() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-at-once", 2, &[]);
    client.append(&topic, 0, &["a"]);
    let patient = |request: FetchRequest| request.with_max_wait_ms(LONG_MS).with_min_bytes(1);
    let at_once = [
        ("no wait", fetch_request(12, &[(&topic, 1, 0)]).with_min_bytes(1)),
        ("a negative wait", fetch_request(12, &[(&topic, 1, 0)]).with_min_bytes(1).with_max_wait_ms(-5)),
        ("no partitions", patient(fetch_request(12, &[]))),
        ("enough bytes", patient(fetch_request(12, &[(&topic, 0, 0), (&topic, 1, 0)]))),
        ("nothing asked for", fetch_request(12, &[(&topic, 1, 0)]).with_max_wait_ms(LONG_MS)),
        ("an error", patient(fetch_request(12, &[(&topic, 1, 0), (&topic, 9, 0)]))),
        ("an offset out of range", patient(fetch_request(12, &[(&topic, 1, 5)]))),
    ];
    for (what, request) in at_once {
        let started = Instant::now();
        client.call(12, &request);
        assert!(started.elapsed() < Duration::from_secs(10), "{what}");
    }
}

#[test]
fn f1_a_fetch_without_news_is_answered_when_its_wait_is_over() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-waits", 1, &[]);
    client.append(&topic, 0, &["a"]);
    let started = Instant::now();
    let request = fetch_request(12, &[(&topic, 0, 1)]).with_max_wait_ms(300).with_min_bytes(1);
    let response = client.call(12, &request);
    assert!(started.elapsed() >= Duration::from_millis(290), "{:?}", started.elapsed());
    assert_eq!((error(only(&response).error_code), length(only(&response))), (None, 0));
    // Too few bytes wait as well, and are handed out at the end.
    let request = fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(300).with_min_bytes(1_000_000);
    let started = Instant::now();
    let response = client.call(12, &request);
    assert!(started.elapsed() >= Duration::from_millis(290));
    assert_eq!(batches(only(&response).records.as_ref().unwrap()).len(), 1);
}

#[test]
fn f12_a_parked_fetch_wakes_on_append() {
    let mut producer = shared().connect();
    let topic = producer.create_topic("fetch-parked", 2, &[]);
    for version in [4, 12, 18] {
        let mut consumer = shared().connect();
        let end = producer.list_offset(&topic, 1, -1).offset;
        let request = fetch_request(version, &[(&topic, 0, 0), (&topic, 1, end)]);
        consumer.send(version, &request.with_max_wait_ms(LONG_MS).with_min_bytes(1));
        // Parked or not yet: an answer comes for the append either way.
        producer.append(&topic, 1, &["news"]);
        let (_, response) = consumer.receive::<FetchRequest>(version);
        let with_data: Vec<_> =
            response.responses.iter().flat_map(|topic| &topic.partitions).filter(|data| length(data) > 0).collect();
        assert_eq!(with_data.len(), 1);
        assert_eq!((with_data[0].partition_index, with_data[0].high_watermark), (1, end + 1));
    }
}

#[test]
fn f12_a_parked_fetch_waits_for_min_bytes() {
    let mut producer = shared().connect();
    let topic = producer.create_topic("fetch-min-bytes", 1, &[]);
    let mut consumer = shared().connect();
    let one = Batch::of(&["12345678"]).encode().len();
    let request = fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(LONG_MS).with_min_bytes(3 * one as i32);
    consumer.send(12, &request);
    for _ in 0..3 {
        producer.append(&topic, 0, &["12345678"]);
    }
    let (_, response) = consumer.receive::<FetchRequest>(12);
    assert_eq!(length(only(&response)), 3 * one);
}

#[test]
fn f12_a_parked_fetch_wakes_when_its_topic_goes() {
    let mut admin = shared().connect();
    let topic = admin.create_topic("fetch-deleted", 1, &[]);
    let mut consumer = shared().connect();
    consumer.send(12, &fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(LONG_MS).with_min_bytes(1));
    admin.delete_topic("fetch-deleted");
    let (_, response) = consumer.receive::<FetchRequest>(12);
    assert!(error(only(&response).error_code).is_some(), "the partition is gone");
}

#[test]
fn f2_the_brokers_limit_counts_and_caps_min_bytes() {
    let broker = Broker::with(&["fetch.max.bytes=2000"]);
    let mut client = broker.connect();
    let topic = client.create_topic("fetch-limits", 1, &[]);
    for _ in 0..5 {
        client.produce(&topic, 0, &Batch::of_size(900));
    }
    let started = Instant::now();
    let request = fetch_request(12, &[(&topic, 0, 0)]).with_max_wait_ms(LONG_MS).with_min_bytes(i32::MAX);
    let response = client.call(12, &request);
    assert!(started.elapsed() < Duration::from_secs(10), "min_bytes is capped to fetch.max.bytes");
    let got = length(only(&response));
    assert!((900..=2000).contains(&got), "{got} bytes");
    // The client's own limit is smaller.
    let response = client.call(12, &fetch_request(12, &[(&topic, 0, 0)]).with_max_bytes(1200));
    assert!((900..=1200).contains(&length(only(&response))));
}

#[test]
fn f3_the_first_partition_with_data_returns_a_whole_batch() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-first", 4, &[]);
    for partition in [1, 2, 3] {
        for _ in 0..3 {
            client.produce(&topic, partition, &Batch::of_size(5000));
        }
    }
    let one = Batch::of_size(5000).encode().len();
    for version in VERSIONS {
        let wanted = (0..4).map(|partition| (&topic, partition, 0)).collect::<Vec<_>>();
        let response = client.call(version, &fetch_request(version, &wanted).with_max_bytes(1));
        let lengths: Vec<usize> = response.responses.iter().flat_map(|topic| &topic.partitions).map(length).collect();
        // The empty one does not count; the first with data gives one batch, the others nothing.
        assert_eq!(lengths, [0, one, 0, 0], "version {version}");
    }
    // A partition's own limit is exceeded by the first as well, and keeps later ones short.
    let small = |index| fetch_partition(index, 0).with_partition_max_bytes(100);
    let topics = vec![fetch_topic(12, &topic, vec![small(1), small(2)])];
    let response = client.call(12, &FetchRequest::default().with_topics(topics));
    let lengths: Vec<usize> = response.responses[0].partitions.iter().map(length).collect();
    assert!(lengths[0] >= one && lengths[1] < one, "{lengths:?}");
}

#[test]
fn f4_read_committed_ends_at_the_last_stable_offset_and_lists_aborts() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-isolation", 1, &[]);
    client.append(&topic, 0, &["a"]);
    for version in VERSIONS {
        let response = client.call(version, &fetch_request(version, &[(&topic, 0, 0)]).with_isolation_level(1));
        let partition = only(&response);
        assert_eq!((partition.last_stable_offset, partition.aborted_transactions.as_deref()), (1, Some(&[][..])));
        assert!(length(partition) > 0);
        let response = client.call(version, &fetch_request(version, &[(&topic, 0, 0)]));
        assert_eq!(only(&response).aborted_transactions, None, "version {version}");
    }
}

#[test]
fn f5_offsets_outside_the_log_are_out_of_range() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-range", 1, &[]);
    client.append(&topic, 0, &["a", "b", "c"]);
    for offset in [4, i64::MAX, -1, i64::MIN] {
        let partition = client.fetch(&topic, 0, offset);
        assert_eq!(error(partition.error_code), Some(ResponseError::OffsetOutOfRange), "{offset}");
        assert_eq!(length(&partition), 0);
    }
    let end = client.fetch(&topic, 0, 3);
    assert_eq!((error(end.error_code), length(&end)), (None, 0));
    assert_eq!(error(client.delete_records(2, "fetch-range", 0, 2).error_code), None);
    let below = client.fetch(&topic, 0, 1);
    assert_eq!(error(below.error_code), Some(ResponseError::OffsetOutOfRange));
    let start = client.fetch(&topic, 0, 2);
    assert_eq!((error(start.error_code), start.log_start_offset), (None, 2));
}

#[test]
fn f6_other_leader_epochs_are_fenced_or_unknown() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-epochs", 1, &[]);
    client.append(&topic, 0, &["a"]);
    let epoch = client.describe_topic("fetch-epochs").partitions[0].leader_epoch;
    for version in 9..=18 {
        for (asked, expected) in [(epoch, None), (-1, None), (epoch + 1, Some(ResponseError::UnknownLeaderEpoch))] {
            let partition = fetch_partition(0, 0).with_current_leader_epoch(asked);
            let request = FetchRequest::default().with_topics(vec![fetch_topic(version, &topic, vec![partition])]);
            let response = client.call(version, &request);
            assert_eq!(error(only(&response).error_code), expected, "version {version}, epoch {asked}");
        }
    }
}

#[test]
fn f6_the_epoch_of_before_a_restart_is_fenced() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let topic = client.create_topic("fetch-fenced", 1, &[]);
    client.append(&topic, 0, &["a"]);
    let before = client.describe_topic("fetch-fenced").partitions[0].leader_epoch;
    broker.kill_and_restart();
    let mut client = broker.connect();
    let after = client.describe_topic("fetch-fenced").partitions[0].leader_epoch;
    assert!(after > before, "{after} after {before}: a leader that was gone leads anew");
    let partition = fetch_partition(0, 0).with_current_leader_epoch(before);
    let request = FetchRequest::default().with_topics(vec![fetch_topic(16, &topic, vec![partition])]);
    let response = client.call(16, &request);
    assert_eq!(error(only(&response).error_code), Some(ResponseError::FencedLeaderEpoch));
    let leader = &only(&response).current_leader;
    assert_eq!((leader.leader_id.0, leader.leader_epoch), (response.node_endpoints[0].node_id.0, after));
}

#[test]
fn f7_a_diverging_epoch_is_answered_with_its_end() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-diverging", 1, &[]);
    client.append(&topic, 0, &["a", "b"]);
    let epoch = client.describe_topic("fetch-diverging").partitions[0].leader_epoch;
    let ask = |client: &mut Client, version, offset, last_epoch| {
        let partition = fetch_partition(0, offset).with_last_fetched_epoch(last_epoch);
        let request = FetchRequest::default().with_topics(vec![fetch_topic(version, &topic, vec![partition])]);
        only(&client.call(version, &request.with_max_wait_ms(LONG_MS).with_min_bytes(1))).clone()
    };
    for version in 12..=18 {
        let agreeing = ask(&mut client, version, 0, epoch);
        assert_eq!((error(agreeing.error_code), agreeing.diverging_epoch.end_offset), (None, -1));
        assert!(length(&agreeing) > 0);
        // The fetcher has more of the epoch than the leader: told at once, though it would wait.
        let diverging = ask(&mut client, version, 3, epoch);
        assert_eq!((error(diverging.error_code), length(&diverging)), (None, 0));
        let found = &diverging.diverging_epoch;
        assert_eq!((found.epoch, found.end_offset), (epoch, 2), "version {version}");
        // Of an epoch that never was nothing can be told.
        let unknown = ask(&mut client, version, 2, epoch + 5);
        assert_eq!(error(unknown.error_code), Some(ResponseError::OffsetOutOfRange), "version {version}");
    }
}

#[test]
fn f8_topic_ids_that_are_unknown() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-ids", 1, &[]);
    let unknown = Topic::unknown("fetch-ids");
    for version in VERSIONS {
        let absent = if version >= IDS_FROM { &unknown } else { &Topic::unknown("nobody-made-this") };
        let response = client.call(version, &fetch_request(version, &[(absent, 0, 0), (&topic, 0, 0)]));
        let errors: Vec<_> = response.responses.iter().map(|topic| error(topic.partitions[0].error_code)).collect();
        let why =
            if version >= IDS_FROM { ResponseError::UnknownTopicId } else { ResponseError::UnknownTopicOrPartition };
        assert_eq!(errors, [Some(why), None], "version {version}");
        let partition = client.call(version, &fetch_request(version, &[(&topic, 1, 0)]));
        assert_eq!(error(only(&partition).error_code), Some(ResponseError::UnknownTopicOrPartition));
    }
}

#[test]
fn f8_a_topic_made_anew_is_another_topic() {
    let mut client = shared().connect();
    let old = client.create_topic("fetch-recreated", 1, &[]);
    client.append(&old, 0, &["old"]);
    let session = open_session(&mut client, 13, &[(&old, 0, 0)]);
    client.delete_topic("fetch-recreated");
    let new = client.create_topic("fetch-recreated", 1, &[]);
    assert_ne!(new.id, old.id);
    let gone = client.call(13, &fetch_request(13, &[(&old, 0, 0)]));
    assert_eq!(error(only(&gone).error_code), Some(ResponseError::UnknownTopicId));
    let next = incremental(13, session, 1, &[]);
    let stale = client.call(13, &next);
    let why = error(only(&stale).error_code);
    assert!(
        matches!(why, Some(ResponseError::UnknownTopicId | ResponseError::InconsistentTopicId)),
        "a session keeps the old id: {why:?}"
    );
    assert_eq!(length(&client.fetch(&new, 0, 0)), 0, "nothing of the old topic");
}

fn open_session(client: &mut Client, version: i16, partitions: &[(&Topic, i32, i64)]) -> i32 {
    let response = client.call(version, &fetch_request(version, partitions).with_session_epoch(0));
    assert_eq!(error(response.error_code), None);
    assert_ne!(response.session_id, 0, "a session");
    response.session_id
}

fn incremental(version: i16, session: i32, epoch: i32, partitions: &[(&Topic, i32, i64)]) -> FetchRequest {
    fetch_request(version, partitions).with_session_id(session).with_session_epoch(epoch)
}

/// Partition and bytes of each answered partition.
fn answered(response: &FetchResponse) -> Vec<(i32, bool)> {
    assert_eq!(error(response.error_code), None);
    let partitions = response.responses.iter().flat_map(|topic| &topic.partitions);
    partitions.map(|data| (data.partition_index, length(data) > 0)).collect()
}

#[test]
fn f10_incremental_answers_hold_what_changed() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-sessions", 3, &[]);
    for version in [7, 12, 13, 18] {
        let ends: Vec<i64> = (0..3).map(|index| client.list_offset(&topic, index, -1).offset).collect();
        let wanted: Vec<_> = (0..3).map(|index| (&topic, index, ends[index as usize])).collect();
        let session = open_session(&mut client, version, &wanted);
        let quiet = client.call(version, &incremental(version, session, 1, &[]));
        assert_eq!((quiet.session_id, answered(&quiet)), (session, vec![]), "version {version}");
        client.append(&topic, 1, &["news"]);
        let news = client.call(version, &incremental(version, session, 2, &[]));
        assert_eq!(answered(&news), [(1, true)]);
        // The fetcher has moved on; nothing else changed.
        let moved = incremental(version, session, 3, &[(&topic, 1, ends[1] + 1)]);
        assert_eq!(answered(&client.call(version, &moved)), []);
        let forgotten = ForgottenTopic::default().with_partitions(vec![0]);
        let forgotten = match version >= IDS_FROM {
            true => forgotten.with_topic_id(topic.id),
            false => forgotten.with_topic(topic_name("fetch-sessions")),
        };
        client.append(&topic, 0, &["unheard"]);
        client.append(&topic, 2, &["heard"]);
        let request = incremental(version, session, 4, &[]).with_forgotten_topics_data(vec![forgotten]);
        assert_eq!(answered(&client.call(version, &request)), [(2, true)]);
    }
}

#[test]
fn f10_partitions_that_returned_data_go_to_the_end() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-fairness", 3, &[]);
    for index in 0..3 {
        client.produce(&topic, index, &Batch::of_size(2000));
        client.produce(&topic, index, &Batch::of_size(2000));
    }
    let wanted: Vec<_> = (0..3).map(|index| (&topic, index, 0)).collect();
    let request = |epoch, session, moved: &[(&Topic, i32, i64)]| {
        fetch_request(12, moved).with_session_id(session).with_session_epoch(epoch).with_max_bytes(1)
    };
    let first = client.call(12, &request(0, 0, &wanted));
    assert_eq!(answered(&first), [(0, true), (1, false), (2, false)]);
    let session = first.session_id;
    let second = client.call(12, &request(1, session, &[(&topic, 0, 1)]));
    let third = client.call(12, &request(2, session, &[(&topic, 1, 1)]));
    let with_data = |response: &FetchResponse| answered(response).into_iter().find(|(_, data)| *data);
    assert_eq!((with_data(&second), with_data(&third)), (Some((1, true)), Some((2, true))), "each in its turn");
    let fourth = client.call(12, &request(3, session, &[(&topic, 2, 1)]));
    assert_eq!(with_data(&fourth), Some((0, true)));
}

#[test]
fn f9_sessions_need_their_id_and_epoch() {
    let mut client = shared().connect();
    let topic = client.create_topic("fetch-session-errors", 1, &[]);
    let session = open_session(&mut client, 12, &[(&topic, 0, 0)]);
    let top = |client: &mut Client, version, request: FetchRequest| error(client.call(version, &request).error_code);
    let unknown = incremental(12, session.wrapping_add(12_345), 1, &[]);
    assert_eq!(top(&mut client, 12, unknown), Some(ResponseError::FetchSessionIdNotFound));
    for epoch in [2, i32::MAX] {
        let wrong = incremental(12, session, epoch, &[]);
        assert_eq!(top(&mut client, 12, wrong), Some(ResponseError::InvalidFetchSessionEpoch), "{epoch}");
    }
    assert_eq!(top(&mut client, 12, incremental(12, session, 1, &[])), None, "errors do not spend the epoch");
    let ids = incremental(13, session, 2, &[(&topic, 0, 0)]);
    assert_eq!(top(&mut client, 13, ids), Some(ResponseError::FetchSessionTopicIdError));
    // A full fetch with the session's id closes it.
    let full = fetch_request(12, &[(&topic, 0, 0)]).with_session_id(session).with_session_epoch(-1);
    let closed = client.call(12, &full);
    assert_eq!((error(closed.error_code), closed.session_id), (None, 0));
    assert_eq!(top(&mut client, 12, incremental(12, session, 2, &[])), Some(ResponseError::FetchSessionIdNotFound));
}

#[test]
fn f11_the_session_cache_is_bounded() {
    let broker = Broker::with(&["max.incremental.fetch.session.cache.slots=4"]);
    let mut client = broker.connect();
    let topic = client.create_topic("fetch-cache", 1, &[]);
    client.append(&topic, 0, &["a"]);
    let sessions: Vec<i32> = (0..6)
        .map(|_| {
            let response = client.call(12, &fetch_request(12, &[(&topic, 0, 0)]).with_session_epoch(0));
            assert_eq!(length(only(&response)), Batch::of(&["a"]).encode().len(), "data with or without a session");
            response.session_id
        })
        .collect();
    assert_eq!(sessions.iter().filter(|id| **id != 0).count(), 4, "{sessions:?}");
    // Those that got one keep it.
    let kept = client.call(12, &incremental(12, sessions[0], 1, &[]));
    assert_eq!(error(kept.error_code), None);
    let none = client.create_topic("fetch-cache-none", 1, &[]);
    assert_eq!(length(&client.fetch(&none, 0, 0)), 0);
}
