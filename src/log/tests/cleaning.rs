//! Compaction, case by case.

use super::cleaning_kit::*;
use super::kit::{at, bytes, stable};
use crate::kv::memory::Crash;
use crate::log::*;
use crate::record::compress::Codec;
use crate::record::header::BatchHeader;

fn offsets(world: &World) -> Vec<i64> {
    records(&world.batches()).into_keys().collect()
}

/// Base offset, last offset and records of each batch.
fn shape(world: &World) -> Vec<(i64, i64, i32)> {
    let of = |(header, _): (BatchHeader, Vec<u8>)| (header.base_offset, header.last_offset(), header.record_count);
    world.batches().into_iter().map(of).collect()
}

#[test]
fn c4_the_newest_record_of_a_key_stays_where_it_is() {
    let mut world = World::new(1);
    let value = Some(3);
    world.append(Codec::Lz4, None, &[(Some(1), value), (Some(2), value), (Some(1), value)]);
    world.append(Codec::None, None, &[(Some(2), value), (Some(3), value)]);
    world.append(Codec::Zstd, None, &[(Some(1), value), (None, value)]);
    world.roll();
    world.append(Codec::None, None, &[(Some(3), value)]);
    let (reader, now) = (world.reader(), world.time());
    let unflushed = reader.outlook(stable(&reader), now).unwrap();
    let mut cleaner = Cleaner::new(limits(), HashKey(1, 2));
    let cleaned = cleaner.clean(&reader, &unflushed.cleanable, now, &mut Hurry(u64::MAX), &mut |_| unreachable!());
    assert!(unflushed.is_due && cleaned == Err(CleanError::Aborted), "what is not flushed is not cleaned");
    world.flush();
    let outlook = world.outlook();
    assert!(outlook.is_due && outlook.cleanable.ratio() == 1.0 && outlook.cleanable.end == 7);
    let round = world.clean().unwrap();
    assert_eq!((round.first_dirty, round.stats.keyless_records), (7, 1));
    // Key 3 at 7 lies in the active segment, which counts for nothing; the last batch keeps the last offset.
    assert_eq!(offsets(&world), [3, 4, 5, 7]);
    assert_eq!(shape(&world), [(3, 4, 2), (5, 6, 1), (7, 7, 1)]);
    assert!(!world.outlook().is_due && world.clean().is_none(), "nothing is dirty any more");
    world.check();
}

#[test]
fn c5_a_tombstone_stays_for_its_time_from_the_first_cleaning_on() {
    let mut world = World::new(1);
    world.append(Codec::None, None, &[(Some(1), Some(3)), (Some(1), None), (Some(2), Some(3))]);
    world.now += 10 * DELETE_RETENTION_MS;
    world.clean_all().unwrap();
    assert_eq!(offsets(&world), [1, 2], "however old it was when it was first seen");
    let horizon = world.batches()[0].0;
    assert!(horizon.has_delete_horizon() && horizon.base_timestamp == world.now + DELETE_RETENTION_MS);
    world.now += DELETE_RETENTION_MS - 1;
    world.append(Codec::None, None, &[(Some(3), Some(3))]);
    world.clean_all().unwrap();
    assert_eq!(offsets(&world), [1, 2, 3]);
    assert_eq!(world.batches()[0].0.base_timestamp, horizon.base_timestamp, "the horizon stays");
    world.now += 1;
    world.append(Codec::None, None, &[(Some(4), Some(3))]);
    world.clean_all().unwrap();
    assert_eq!(offsets(&world), [2, 3, 4]);
    world.check();
}

#[test]
fn c6_markers_go_after_their_records_and_their_time() {
    let mut world = World::new(1);
    world.append(Codec::None, Some((1, true)), &[(Some(1), Some(3))]);
    world.append(Codec::None, Some((2, true)), &[(Some(2), Some(3))]);
    world.end(1, false);
    world.end(2, true);
    // Newer batches, so that none of the above is a producer's last.
    world.append(Codec::None, Some((1, false)), &[(Some(3), Some(3))]);
    world.append(Codec::None, Some((2, false)), &[(Some(2), Some(3))]);
    let markers = |world: &World| -> Vec<(i64, bool)> {
        let control = world.batches().into_iter().filter(|(header, _)| header.is_control());
        control.map(|(header, _)| (header.base_offset, header.has_delete_horizon())).collect()
    };
    let aborted = |world: &World| world.reader().aborted_transactions(0, i64::MAX).unwrap().len();
    world.clean_all().unwrap();
    assert_eq!(offsets(&world), [4, 5], "aborted records go at once, whatever their keys");
    assert_eq!((markers(&world), aborted(&world)), (vec![(2, false), (3, false)], 1), "they had records a moment ago");
    world.append(Codec::None, None, &[(Some(4), Some(3))]);
    world.clean_all().unwrap();
    assert_eq!((markers(&world), aborted(&world)), (vec![(2, true), (3, true)], 0));
    world.now += DELETE_RETENTION_MS;
    world.append(Codec::None, None, &[(Some(4), Some(3))]);
    world.clean_all().unwrap();
    assert_eq!(markers(&world), []);
    world.check();
}

#[test]
fn c6_a_transaction_that_is_open_holds_the_cleaner_up() {
    let mut world = World::new(1);
    world.append(Codec::None, None, &[(Some(1), Some(3))]);
    world.roll();
    world.append(Codec::None, Some((1, true)), &[(Some(1), Some(3))]);
    world.roll();
    world.append(Codec::None, None, &[(Some(1), Some(3))]);
    world.roll();
    world.flush();
    let outlook = world.outlook();
    assert!(outlook.is_blocked && outlook.cleanable.end == 1);
    world.clean();
    assert_eq!(offsets(&world), [0, 1, 2]);
    world.end(1, true);
    assert!(world.outlook().is_blocked, "the marker is not durable yet");
    world.flush();
    assert!(!world.outlook().is_blocked);
    world.clean();
    assert_eq!(offsets(&world), [2]);
    world.check();
}

#[test]
fn c7_the_last_batch_of_a_live_producer_stays_as_an_empty_one() {
    let mut world = World::new(1);
    world.append(Codec::Gzip, Some((1, false)), &[(Some(1), Some(3)), (Some(1), Some(3))]);
    world.append(Codec::None, Some((2, false)), &[(Some(1), Some(3))]);
    world.append(Codec::None, None, &[(Some(1), Some(3))]);
    world.clean_all().unwrap();
    assert_eq!(shape(&world), [(0, 1, 0), (2, 2, 0), (3, 3, 1)]);
    for lose_index in [false, true] {
        world.crash(Crash::Power);
        world.restart(lose_index);
        let last: Vec<_> = world.reader().producers().unwrap().into_iter().collect();
        let sequences: Vec<_> =
            last.iter().map(|(id, known)| (*id, known.window.last().unwrap().last_sequence)).collect();
        assert_eq!(sequences, [(1, 1), (2, 0)]);
    }
    world.append(Codec::None, Some((1, false)), &[(Some(2), Some(3))]);
    world.log().expire_producers(at(i64::MAX / 2));
    world.append(Codec::None, None, &[(Some(2), Some(3))]);
    world.clean_all().unwrap();
    assert_eq!(shape(&world), [(3, 3, 1), (5, 5, 1)], "nobody remembers the producers");
    world.check();
}

#[test]
fn c4_segments_become_one_and_the_index_follows() {
    let mut world = World::new(1);
    for n in 0..40 {
        world.append(Codec::None, None, &[(Some(n % 6), Some(80))]);
    }
    world.roll();
    world.flush();
    assert!(world.reader().segment_count().unwrap() >= 5);
    let round = world.clean().unwrap();
    assert_eq!(round.stats.segments_before, round.stats.segments_after, "they were full");
    world.append(Codec::None, None, &[(Some(50), Some(80))]);
    world.clean_all().unwrap();
    assert_eq!(world.reader().segment_count().unwrap(), 2, "six records fit in one segment");
    assert_eq!(offsets(&world), [34, 35, 36, 37, 38, 39, 40]);
    world.check();
    for lose_index in [false, true] {
        world.crash(Crash::Process);
        world.restart(lose_index);
        world.check();
    }
    world.dir.clone().unwrap().run_deletions(at(1 << 40));
    let files = crate::disk::Disk::list(&*world.disk, std::path::Path::new("/data/t-0")).unwrap();
    assert_eq!(files.iter().filter(|file| file.name.contains(".log")).count(), 2, "{files:?}");
}

#[test]
fn c4_who_reads_goes_on_with_the_old_files() {
    let mut world = World::new(1);
    for n in 0..30 {
        world.append(Codec::None, None, &[(Some(n % 3), Some(80))]);
    }
    world.roll();
    world.flush();
    let before: Vec<u8> = world.batches().iter().flat_map(|(_, bytes)| bytes.clone()).collect();
    let reader = world.reader();
    let first = reader.read(0, 500, i64::MAX, true).unwrap();
    let view = reader.view().unwrap();
    world.clean().unwrap();
    world.dir.clone().unwrap().run_deletions(at(1 << 40));
    // A piece that was handed out, and a view that was taken, before.
    assert!(before.starts_with(&bytes(&first)));
    let folder = std::path::PathBuf::from("/data/t-0");
    let old = view.segments[1].file(&reader.dir().handles, || folder).unwrap();
    let mut head = vec![0; view.segments[1].tail().size_bytes as usize];
    assert_eq!(old.read_at(0, &mut head).unwrap(), head.len());
    let start = view.segments[0].tail().size_bytes as usize;
    assert_eq!(head, before[start..start + head.len()]);
    // A place that was remembered.
    let next = reader.read_from(first.cursor.as_ref(), first.next_offset_hint.unwrap(), 500, i64::MAX, true).unwrap();
    let headers = crate::record::batches(&bytes(&next)).map(|batch| batch.unwrap().0).collect::<Vec<_>>();
    assert!(headers.iter().all(|header| header.record_count == 0), "the records up to 27 are gone: {headers:?}");
    world.check();
}

#[test]
fn c4_lags_decide_what_is_cleaned_when() {
    let mut world = World::new(1);
    world.config = LogConfig { min_compaction_lag_ms: 5_000, max_compaction_lag_ms: 60_000, ..world.config.clone() };
    let config = world.config.clone();
    world.log().reconfigure(config);
    // Records are ten seconds old when they come.
    world.append(Codec::None, None, &[(Some(1), Some(3))]);
    world.roll();
    world.flush();
    let outlook = world.outlook();
    assert!(outlook.is_due && outlook.again_in_ms.is_some());
    world.now -= 9_000;
    let young = world.outlook();
    assert!(!young.is_due && young.cleanable.dirty_bytes == 0);
    let wait = young.again_in_ms.unwrap();
    world.now += wait - 1;
    assert!(!world.outlook().is_due);
    world.now += 1;
    assert!(world.outlook().is_due);
    // Little dirt in a clean log counts once it is old, and the segment that it is in must be closed for that.
    for n in 0..20 {
        world.append(Codec::None, None, &[(Some(n), Some(90))]);
    }
    world.now += 20_000;
    world.clean_all().unwrap();
    world.append(Codec::None, None, &[(Some(1), Some(3))]);
    let outlook = world.outlook();
    assert!(!outlook.is_due && !outlook.roll_due);
    world.now += outlook.again_in_ms.unwrap();
    assert!(world.outlook().roll_due && !world.outlook().is_due);
    let now = world.time();
    assert!(world.log().roll_if_lagging(now).unwrap() && !world.log().roll_if_lagging(now).unwrap());
    world.flush();
    let outlook = world.outlook();
    assert!(outlook.is_due && outlook.cleanable.ratio() < 0.5);
    world.clean().unwrap();
    world.check();
}

#[test]
fn c4_a_full_map_cleans_part_by_part() {
    let mut world = World::new(1);
    world.limits.map_bytes = 24 * 5;
    for n in 0..30 {
        world.append(Codec::None, None, &[(Some(n), Some(20)), (Some(n % 7), Some(20))]);
    }
    world.roll();
    world.flush();
    let mut rounds = 0;
    while world.clean().is_some() {
        rounds += 1;
        world.check();
    }
    assert!(rounds > 5, "{rounds}");
    let keys: Vec<_> = records(&world.batches()).into_values().map(|record| record.key).collect();
    assert_eq!(keys.len(), 30);
}

#[test]
fn c4_the_topics_codec_takes_the_place_of_the_batchs() {
    let mut world = World::new(1);
    world.config.compression = Some((Codec::Zstd, 3));
    let config = world.config.clone();
    world.log().reconfigure(config);
    world.append(Codec::Gzip, None, &[(Some(1), Some(90)), (Some(2), Some(90))]);
    world.append(Codec::Gzip, None, &[(Some(1), Some(90))]);
    world.clean_all().unwrap();
    let codecs: Vec<_> = world.batches().iter().map(|(header, _)| header.codec().unwrap()).collect();
    assert_eq!(codecs, [Codec::Zstd, Codec::Gzip], "what is not written anew stays as it is");
    world.check();
}

#[test]
fn c4_a_log_cut_off_below_its_first_dirty_offset_is_dirty_from_there() {
    let mut world = World::new(1);
    for n in 0..10 {
        world.append(Codec::None, None, &[(Some(n % 2), Some(80))]);
    }
    world.clean_all().unwrap();
    world.log().truncate_to(9, at(0)).unwrap();
    world.truth.split_off(&9);
    assert_eq!(world.outlook().cleanable.first_dirty, 9);
    let now = world.time();
    world.flush();
    world.crash(Crash::Power);
    world.restart(false);
    assert_eq!(world.reader().outlook(9, now).unwrap().cleanable.first_dirty, 9);
}

#[test]
fn c4_a_corrupt_batch_is_not_cleaned_away() {
    let mut world = World::new(1);
    world.append(Codec::None, None, &[(Some(1), Some(80)), (Some(1), Some(80))]);
    world.append(Codec::None, None, &[(Some(1), Some(80))]);
    world.roll();
    world.flush();
    let path = std::path::Path::new("/data/t-0/00000000000000000000.log");
    let file = crate::disk::Disk::open(&*world.disk, path, crate::disk::Open::Write).unwrap();
    file.append_vectored(100, &[std::io::IoSlice::new(b"!")]).unwrap();
    match world.try_clean(&mut Hurry(u64::MAX)) {
        Err(CleanError::Corrupt { segment_base: 0, position: 0, reason }) => assert_eq!(reason, "wrong CRC"),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.reader().segment_count().unwrap(), 2);
    let files = crate::disk::Disk::list(&*world.disk, std::path::Path::new("/data/t-0")).unwrap();
    assert!(!files.iter().any(|file| file.name.ends_with(".cleaned")));
}

#[test]
fn c3_c4_retention_and_deletion_beside_a_cleaning_abort_it() {
    let mut world = World::new(1);
    for n in 0..20 {
        world.append(Codec::None, None, &[(Some(n % 3), Some(80))]);
    }
    world.roll();
    world.flush();
    let (reader, now) = (world.reader(), world.time());
    let cleanable = world.outlook().cleanable;
    let log = world.log.as_mut().unwrap();
    let mut cleaner = Cleaner::new(limits(), HashKey(1, 2));
    log.reconfigure(LogConfig { retention_ms: 0, cleanup: Cleanup { delete: true, compact: true }, ..config() });
    let aborted = cleaner.clean(&reader, &cleanable, now, &mut Hurry(u64::MAX), &mut |cleaned| {
        log.apply_retention(at(i64::MAX / 2), i64::MAX)?;
        log.swap(cleaned, now)
    });
    assert_eq!(aborted, Err(CleanError::Aborted));
    assert_eq!(reader.log_start_offset(), 20, "the policy does both");
    let files = crate::disk::Disk::list(&*world.disk, std::path::Path::new("/data/t-0")).unwrap();
    assert!(!files.iter().any(|file| file.name.ends_with(".cleaned") || file.name.ends_with(".swap")), "{files:?}");
}
