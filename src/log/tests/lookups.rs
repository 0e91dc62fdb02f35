//! Timestamps against brute force.

use super::kit::*;
use crate::record::build::BatchBuilder;
use crate::record::compress::Codec;
use crate::record::header::TimestampType;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct Record {
    offset: i64,
    timestamp: i64,
}

fn brute_force(records: &[Record], start: i64, up_to: i64, target: i64) -> Option<i64> {
    records
        .iter()
        .find(|record| record.offset >= start && record.offset < up_to && record.timestamp >= target)
        .map(|record| record.offset)
}

fn brute_max(records: &[Record], start: i64, up_to: i64) -> Option<i64> {
    let within = || records.iter().filter(|record| record.offset >= start && record.offset < up_to);
    let largest = within().map(|record| record.timestamp).max()?;
    within().find(|record| record.timestamp == largest).map(|record| record.offset)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn l_lookups_find_the_exact_record(
        batches in proptest::collection::vec(
            (proptest::collection::vec(0_i64..500, 1..6), 0_u8..6, any::<bool>()), 1..60),
        start in 0_i64..40,
        flush_at in 0_usize..60,
        reopen in any::<bool>(),
    ) {
        let mut kit = Kit::with_tail(0);
        let mut log = kit.log(&small());
        let mut records = Vec::new();
        let mut ends = vec![0];
        for (n, (timestamps, codec, append_time)) in batches.iter().enumerate() {
            let codec = Codec::from_id(*codec % 5).unwrap();
            let kind = if *append_time { TimestampType::LogAppendTime } else { TimestampType::CreateTime };
            let mut builder = BatchBuilder::new().compression(codec, codec.default_level()).timestamp_type(kind);
            for timestamp in timestamps {
                builder.append(*timestamp, None, Some(&[7; 20]), &[]);
            }
            append(&mut log, &[builder.build().unwrap()]);
            let largest = *timestamps.iter().max().unwrap();
            for timestamp in timestamps {
                let timestamp = if *append_time { largest } else { *timestamp };
                records.push(Record { offset: records.len() as i64, timestamp });
            }
            ends.push(records.len() as i64);
            if n == flush_at {
                kit.dir.flush(at(0)).unwrap();
            }
        }
        let end = log.log_end_offset();
        prop_assert_eq!(end, records.len() as i64);
        let start = log.delete_records_before(ends[start as usize % ends.len()]).unwrap();
        if reopen {
            log.close().unwrap();
            drop(log);
            kit.restart();
            log = kit.log(&small());
        }
        let reader = log.reader();
        for up_to in ends.iter().copied().filter(|up_to| *up_to >= start) {
            let found = reader.max_timestamp_offset(up_to).unwrap().map(|found| found.offset);
            prop_assert_eq!(found, brute_max(&records, start, up_to), "max below {}", up_to);
        }
        for target in (0..510).step_by(7) {
            for up_to in [end, end / 2] {
                let found = reader.offset_for_timestamp(target, up_to).unwrap();
                prop_assert_eq!(found.map(|found| found.offset), brute_force(&records, start, up_to, target));
                if let Some(found) = found {
                    prop_assert_eq!(found.timestamp, records[found.offset as usize].timestamp);
                }
            }
        }
    }
}
