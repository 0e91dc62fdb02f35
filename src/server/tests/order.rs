//! The order of requests and answers.

use super::*;
use std::io::{Read, Write};
use std::sync::atomic::Ordering;

#[tokio::test]
async fn a10_pipelined_answers_come_in_request_order() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    let all: Vec<u8> =
        (0..500).flat_map(|id| request(if id % 3 == 0 { EXCLUSIVE } else { OVERLAPPING }, id, "")).collect();
    client.send(&all).await;
    for id in 0..500 {
        assert_eq!(client.correlation_id().await, id);
    }
    assert_eq!(*world.script.started.lock(), (0..500).collect::<Vec<_>>());
    world.stop().await;
}

#[tokio::test]
async fn a10_overlapping_answers_are_awaited_together_and_written_in_order() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    for id in 0..4 {
        client.send(&request(OVERLAPPING, id, "later")).await;
    }
    client.send(&request(OVERLAPPING, 4, "")).await;
    world.script.until_started(4).await;
    world.script.open(2);
    world.script.open(1);
    assert!(client.is_silent().await, "the first answer is still awaited");
    world.script.open(0);
    for id in 0..3 {
        assert_eq!(client.correlation_id().await, id);
    }
    assert!(client.is_silent().await);
    world.script.open(3);
    assert_eq!(client.correlation_id().await, 3);
    assert_eq!(client.correlation_id().await, 4);
    world.stop().await;
}

#[tokio::test]
async fn a10_other_requests_start_when_nothing_is_awaited() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    client.send(&request(OVERLAPPING, 1, "later")).await;
    client.send(&request(EXCLUSIVE, 2, "later")).await;
    client.send(&request(OVERLAPPING, 3, "")).await;
    world.script.until_started(1).await;
    assert!(client.is_silent().await);
    assert_eq!(*world.script.started.lock(), [1]);
    world.script.open(1);
    assert_eq!(client.correlation_id().await, 1);
    world.script.until_started(2).await;
    assert!(client.is_silent().await);
    assert_eq!(*world.script.started.lock(), [1, 2]);
    world.script.open(2);
    assert_eq!(client.correlation_id().await, 2);
    assert_eq!(client.correlation_id().await, 3);
    world.stop().await;
}

#[tokio::test]
async fn answers_due_leave_while_a_first_stage_waits() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    let both =
        [request(OVERLAPPING, 1, "later"), request(OVERLAPPING, 2, "wait"), request(OVERLAPPING, 3, "")].concat();
    client.send(&both).await;
    world.script.until_started(2).await;
    world.script.open(1);
    assert_eq!(client.correlation_id().await, 1);
    assert_eq!(*world.script.started.lock(), [1, 2]);
    world.script.open(2);
    assert_eq!(client.correlation_id().await, 2);
    assert_eq!(client.correlation_id().await, 3);
    world.stop().await;
}

#[tokio::test]
async fn p2_a_request_without_answer_takes_no_place() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    let all = [request(OVERLAPPING, 1, "none"), request(OVERLAPPING, 2, ""), request(OVERLAPPING, 3, "none")].concat();
    client.send(&all).await;
    assert_eq!(client.correlation_id().await, 2);
    assert!(client.is_silent().await);
    world.stop().await;
}

#[tokio::test]
async fn a9_closing_writes_what_is_due_and_nothing_else() {
    for how in ["close", "later close"] {
        let world = World::start(Settings::default()).await;
        let mut client = world.connect().await;
        let all =
            [request(OVERLAPPING, 1, "later"), request(OVERLAPPING, 2, how), request(OVERLAPPING, 3, "")].concat();
        client.send(&all).await;
        world.script.until_started(2).await;
        if how == "later close" {
            world.script.until_started(3).await;
            world.script.open(2);
        }
        world.script.open(1);
        assert_eq!(client.correlation_id().await, 1);
        assert!(client.is_closed().await, "{how}");
        assert_eq!(world.script.started.lock().contains(&3), how == "later close");
        world.stop().await;
    }
}

#[tokio::test]
async fn a_panic_closes_its_connection_alone() {
    let world = World::start(Settings::default()).await;
    let (mut one, mut other) = (world.connect().await, world.connect().await);
    one.send(&request(OVERLAPPING, 1, "panic")).await;
    assert!(one.is_closed().await);
    other.send(&request(OVERLAPPING, 2, "")).await;
    assert_eq!(other.correlation_id().await, 2);
    assert_eq!(world.metrics.handler_panics.get(), 1);
    world.stop().await;
}

#[tokio::test]
async fn stopping_answers_what_is_due_and_starts_nothing() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    client.send(&request(OVERLAPPING, 1, "later")).await;
    world.script.until_started(1).await;
    world.stop.cancel();
    tokio::time::sleep(Duration::from_millis(20)).await;
    client.send(&request(OVERLAPPING, 2, "")).await;
    world.script.open(1);
    assert_eq!(client.correlation_id().await, 1);
    assert!(client.is_closed().await);
    let World { server, script, .. } = world;
    server.await.unwrap();
    assert_eq!(*script.started.lock(), [1]);
}

#[tokio::test]
async fn stopping_cuts_what_is_awaited_for_too_long() {
    let world = World::start(Settings { drain_ms: 50, ..Settings::default() }).await;
    let mut client = world.connect().await;
    client.send(&request(OVERLAPPING, 1, "later")).await;
    world.script.until_started(1).await;
    tokio::time::timeout(Duration::from_secs(5), world.stop()).await.expect("stops in time");
    assert!(client.is_closed().await);
}

/// Allocator calls between the middle and the end of a ping-pong with frames of so many bytes, by a blocking client.
fn allocator_calls(frame_bytes: usize) -> usize {
    const REQUESTS: i32 = 1000;
    // The runtime has this one worker, so that the counter of its thread is the connection's.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let world = runtime.block_on(async { tokio::spawn(World::start(Settings::default())).await.unwrap() });
    world.script.started.lock().reserve(2 * REQUESTS as usize);
    let mut stream = std::net::TcpStream::connect(world.address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut ping = |id| {
        stream.write_all(&request_with(OVERLAPPING, id, "", frame_bytes)).unwrap();
        stream.read_exact(&mut [0; 10]).unwrap();
        world.script.allocator_calls.load(Ordering::Relaxed)
    };
    let calls: Vec<usize> = (0..REQUESTS).map(&mut ping).collect();
    runtime.block_on(world.stop());
    calls[calls.len() - 1] - calls[calls.len() / 2]
}

#[test]
fn an_answered_request_asks_the_allocator_for_nothing() {
    // Reading, starting, answering: blocks and answer buffers go round. The timer wheel may ask now and then.
    for frame_bytes in [100, 16 * 1024] {
        let calls = allocator_calls(frame_bytes);
        assert!(calls <= 10, "{calls} calls for 500 requests of {frame_bytes} bytes");
    }
}
