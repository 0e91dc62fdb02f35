use super::kit::*;
use crate::clock::Clock;
use crate::replica::*;

#[test]
fn an_append_is_done_and_read_back() {
    let mut kit = Kit::still();
    let partition = kit.topic("t", &[]);
    let appended = kit.append(&partition, ALL).now().unwrap();
    assert_eq!((appended.base_offset, appended.last_offset), (0, 0));
    assert_eq!(partition.append_as_leader(batch(3), Acks::Leader, kit.clock.now()).now().unwrap().base_offset, 1);
    assert_eq!(partition.offsets().high_watermark, 4);
    let spec = FetchSpec {
        offset: 0,
        max_bytes: 1 << 20,
        min_one_batch: true,
        isolation: Isolation::ReadUncommitted,
        current_leader_epoch: -1,
        last_fetched_epoch: -1,
        cursor: None,
    };
    let read = partition.read(&spec).unwrap();
    assert_eq!(read.length_bytes, batch(1).bytes.len() + batch(3).bytes.len());
    assert_eq!(read.high_watermark, 4);
}
