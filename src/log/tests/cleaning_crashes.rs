//! A crash at each operation of a cleaning on the disk, and at each of the start that follows.

use super::cleaning_kit::*;
use crate::kv::memory::Crash;
use crate::record::compress::Codec;

/// Several segments with transactions of both kinds, tombstones and codecs; a second cleaning is due.
fn filled(seed: u64) -> World {
    let mut world = World::new(seed);
    for round in 0..2 {
        for n in 0..12_u8 {
            let codec = Codec::from_id(n % 5).unwrap();
            world.append(codec, Some((1, n % 3 == 0)), &[(Some(n % 4), Some(90)), (Some(n % 7), None)]);
            world.append(codec, None, &[(Some(9), Some(usize::from(n))), (None, Some(5))]);
            world.append(Codec::None, Some((2, true)), &[(Some(n % 5), Some(60))]);
            if n % 4 == 3 {
                world.end(1, n % 8 == 3);
                world.end(2, n % 8 != 3);
            }
        }
        world.roll();
        world.flush();
        if round == 0 {
            world.clean().unwrap();
            world.now += DELETE_RETENTION_MS + 1;
        }
    }
    assert!(world.reader().segment_count().unwrap() > 4);
    world.check();
    world
}

fn crash_at_each_operation(crash: Crash, lose_index: bool, dies_at_start: bool) -> u64 {
    for operations in 0.. {
        let mut world = filled(operations);
        let end = world.reader().log_end_offset();
        world.disk.die_after(operations);
        let cleaned = world.try_clean(&mut Hurry(u64::MAX));
        let died = cleaned.is_err();
        world.crash(crash);
        if dies_at_start {
            // And again, while the first crash is being repaired.
            world.disk.die_after(operations % 11);
            if world.try_start().is_ok() {
                world.check();
            }
            world.crash(crash);
        }
        world.restart(lose_index);
        assert_eq!(world.reader().log_end_offset(), end, "everything was flushed before");
        world.check();
        let files = crate::disk::Disk::list(&*world.disk, std::path::Path::new("/data/t-0")).unwrap();
        let strays: Vec<_> = files.iter().filter(|file| file.name.contains(".log.")).collect();
        assert!(strays.is_empty(), "{strays:?}");
        // Producers go on where they were.
        world.append(Codec::None, Some((1, false)), &[(Some(1), Some(1))]);
        world.append(Codec::None, Some((2, true)), &[(Some(2), Some(1))]);
        world.end(2, true);
        world.flush();
        if let Some(round) = world.clean_all() {
            world.check_clean(round.first_dirty);
        }
        world.check();
        if !died {
            return operations;
        }
    }
    unreachable!("a cleaning has an end")
}

#[test]
fn c4_c9_power_cut_at_each_operation_of_a_cleaning() {
    let operations = crash_at_each_operation(Crash::Power, false, false);
    assert!(operations > 10, "the cleaning has {operations} operations");
}

#[test]
fn c4_c9_power_cut_at_each_operation_without_the_index() {
    crash_at_each_operation(Crash::Power, true, false);
}

#[test]
fn c4_c9_kill_at_each_operation_of_a_cleaning() {
    crash_at_each_operation(Crash::Process, false, false);
    crash_at_each_operation(Crash::Process, true, false);
}

#[test]
fn c4_c9_a_second_crash_while_the_first_is_repaired() {
    crash_at_each_operation(Crash::Power, false, true);
    crash_at_each_operation(Crash::Process, true, true);
}
