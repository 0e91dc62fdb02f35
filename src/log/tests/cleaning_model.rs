//! Compaction against a model: whatever was appended, in whatever codec, by whomever, and however often it was cleaned,
//! interrupted and restarted.

use super::cleaning_kit::*;
use crate::kv::memory::Crash;
use crate::log::*;
use crate::record::compress::Codec;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Append { codec: u8, producer: Option<(i64, bool)>, records: Vec<(Option<u8>, Option<usize>)> },
    End { producer: i64, commit: bool },
    Roll,
    Flush,
    Wait(i64),
    Lag(i64),
    Small(bool),
    Clean { stops_after: Option<u64> },
    CleanAll,
    Expire,
    Crash { power: bool, lose_index: bool },
    Stop,
}

fn records() -> impl Strategy<Value = Vec<(Option<u8>, Option<usize>)>> {
    let key = prop_oneof![12 => (0_u8..6).prop_map(Some), 1 => Just(None)];
    let value = prop_oneof![4 => (0_usize..120).prop_map(Some), 1 => Just(None)];
    proptest::collection::vec((key, value), 1..5)
}

fn step() -> impl Strategy<Value = Step> {
    let producer = prop_oneof![2 => Just(None), 3 => (1_i64..4, any::<bool>()).prop_map(Some)];
    prop_oneof![
        12 => (0_u8..5, producer, records())
            .prop_map(|(codec, producer, records)| Step::Append { codec, producer, records }),
        4 => (1_i64..4, any::<bool>()).prop_map(|(producer, commit)| Step::End { producer, commit }),
        3 => Just(Step::Roll),
        3 => Just(Step::Flush),
        2 => (1_i64..2_000).prop_map(Step::Wait),
        1 => (0_i64..3).prop_map(Step::Lag),
        1 => any::<bool>().prop_map(Step::Small),
        4 => prop_oneof![3 => Just(None), 1 => (1_u64..30).prop_map(Some)]
            .prop_map(|stops_after| Step::Clean { stops_after }),
        3 => Just(Step::CleanAll),
        1 => Just(Step::Expire),
        2 => (any::<bool>(), any::<bool>()).prop_map(|(power, lose_index)| Step::Crash { power, lose_index }),
        1 => Just(Step::Stop),
    ]
}

fn apply(world: &mut World, step: &Step) {
    match step {
        Step::Append { codec, producer, records } => {
            let codec = Codec::from_id(*codec).unwrap();
            world.append(codec, *producer, records);
        }
        Step::End { producer, commit } => world.end(*producer, *commit),
        Step::Roll => world.roll(),
        Step::Flush => world.flush(),
        Step::Wait(ms) => world.now += ms,
        Step::Lag(seconds) => {
            world.config.min_compaction_lag_ms = seconds * 1_000;
            let config = world.config.clone();
            world.log().reconfigure(config);
        }
        Step::Small(small) => world.limits.map_bytes = if *small { 24 * 3 } else { 1 << 20 },
        // Without a flush before it, it may find nothing that it may touch.
        Step::Clean { stops_after } => match world.try_clean(&mut Hurry(stops_after.unwrap_or(u64::MAX))) {
            Ok(_) | Err(CleanError::Aborted) => {}
            Err(error) => panic!("{error}"),
        },
        Step::CleanAll => {
            // The map has to have room for all: then what is clean is clean.
            let map_bytes = std::mem::replace(&mut world.limits.map_bytes, 1 << 20);
            if let Some(round) = world.clean_all() {
                world.check_clean(round.first_dirty);
            }
            world.limits.map_bytes = map_bytes;
        }
        Step::Expire => {
            let now = super::kit::at(world.now + 1);
            world.log().expire_producers(now);
        }
        Step::Crash { power, lose_index } => {
            let before = world.batches();
            world.crash(if *power { Crash::Power } else { Crash::Process });
            world.restart(*lose_index);
            if !power {
                assert!(world.batches() == before, "a killed process loses nothing");
            }
        }
        Step::Stop => {
            let before = world.batches();
            let producers = world.reader().producers().unwrap();
            world.stop();
            world.start();
            assert!(world.batches() == before);
            let sequences = |producers: Vec<(i64, Producer)>| -> Vec<_> {
                producers.into_iter().map(|(id, known)| (id, known.epoch, known.window.last().copied())).collect()
            };
            assert_eq!(sequences(world.reader().producers().unwrap()), sequences(producers));
        }
    }
    world.check();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn c4_c5_c6_c7_c8_a_cleaned_log_is_what_the_model_says(
        seed in any::<u64>(),
        steps in proptest::collection::vec(step(), 1..70),
    ) {
        let mut world = World::new(seed);
        for step in &steps {
            apply(&mut world, step);
        }
        for producer in 1..4 {
            world.end(producer, seed & 1 == 0);
        }
        world.limits = limits();
        world.config.min_compaction_lag_ms = 0;
        let config = world.config.clone();
        world.log().reconfigure(config);
        for _ in 0..3 {
            world.append(Codec::None, None, &[(Some(0), Some(3))]);
            if let Some(round) = world.clean_all() {
                world.check_clean(round.first_dirty);
            }
            world.check();
            world.now += 2 * DELETE_RETENTION_MS;
        }
    }
}
