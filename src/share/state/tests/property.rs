//! Whatever is asked: a restart knows the same, from the whole log and from what is left of it after pruning.

use super::super::request::{Delete, Initialize, Read, Request, Write};
use super::bench::Bench;
use crate::ids::Uuid;
use crate::record::internal::share_state::StateBatch;
use crate::share::ShareName;
use proptest::prelude::*;

fn request() -> impl Strategy<Value = Request> {
    let batch = (0..40i64, 0..6i64, prop::sample::select(vec![0i8, 2, 4]), 1..6i16).prop_map(
        |(first_offset, more, delivery_state, delivery_count)| StateBatch {
            first_offset,
            last_offset: first_offset + more,
            delivery_state,
            delivery_count,
        },
    );
    let batches = prop::collection::vec(batch, 0..4);
    (0..10u8, 0..3i32, -1..3i32, -1..3i32, -1..40i64, batches).prop_map(
        |(kind, partition, state_epoch, leader_epoch, start_offset, batches)| {
            let name = ShareName::new("g".into(), Uuid::from_u128(1), partition);
            let exists = true;
            match kind {
                0 => Initialize { name, exists, state_epoch, start_offset }.into(),
                1 => Delete { name, exists }.into(),
                2 => Read { name, exists, leader_epoch }.into(),
                _ => {
                    let delivery_complete_count = batches.len() as i32;
                    Write { name, exists, state_epoch, leader_epoch, start_offset, delivery_complete_count, batches }
                        .into()
                }
            }
        },
    )
}

proptest! {
    #[test]
    fn d33_s5_what_is_left_after_pruning_says_all(
        requests in prop::collection::vec((request(), 0..200_000i64), 1..60),
        updates in 0..5u32,
    ) {
        let mut bench = Bench::new(updates);
        for (request, wait_ms) in requests {
            bench.ask(request);
            bench.at(bench.mono_ms + wait_ms);
            let whole = bench.replayed_from(0);
            prop_assert_eq!(&bench.shard.held, &whole.held);
            let pruned = bench.replayed_from(bench.shard.redundant_below());
            prop_assert_eq!(&bench.shard.held, &pruned.held);
            prop_assert_eq!(bench.shard.redundant_below(), pruned.redundant_below().max(bench.shard.redundant_below()));
        }
    }
}
