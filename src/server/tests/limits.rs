//! Bounds on frames, connections and time.

use super::*;

const KIB: usize = 1024;
const PRODUCE: i16 = 0;

#[tokio::test]
async fn a10_a_frame_beyond_the_limit_closes_its_connection() {
    let world = World::start(Settings { socket_request_max_bytes: 1000, ..Settings::default() }).await;
    let mut client = world.connect().await;
    client.send(&request_with(PRODUCE, 1, "", 990)).await;
    assert_eq!(client.correlation_id().await, 1);
    client.send(&request_with(PRODUCE, 2, "", 991)).await;
    assert!(client.is_closed().await);
    assert_eq!(*world.script.started.lock(), [1]);
    world.stop().await;
}

#[tokio::test]
async fn a9_malformed_prefixes_and_headers_close_the_connection() {
    let cases: [(&str, &[u8]); 7] = [
        ("negative length", &(-1i32).to_be_bytes()),
        ("least length", &i32::MIN.to_be_bytes()),
        ("no room for a header", &[0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        ("HTTP", b"GET / HTTP/1.1\r\n\r\n"),
        ("TLS", &[0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]),
        ("unknown API", &[0, 0, 0, 10, 0x7f, 0, 0, 0, 0, 0, 0, 1, 0, 0]),
        ("client id beyond the frame", &[0, 0, 0, 10, 0, 12, 0, 0, 0, 0, 0, 1, 0, 5]),
    ];
    let world = World::start(Settings::default()).await;
    for (name, bytes) in cases {
        let mut client = world.connect().await;
        client.send(bytes).await;
        assert!(client.is_closed().await, "{name}");
    }
    assert!(world.script.started.lock().is_empty());
    world.stop().await;
}

#[tokio::test]
async fn a10_large_frames_arrive_whole_however_they_are_cut() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    let sizes = [64 * KIB - 15, 64 * KIB - 14, 64 * KIB - 13, 64 * KIB, 100 * KIB, 1024 * KIB, 3000 * KIB];
    for (id, size) in sizes.into_iter().enumerate() {
        let id = id as i32 * 2;
        let both = [request_with(PRODUCE, id, "", size), request(OVERLAPPING, id + 1, "")].concat();
        for part in both.chunks(both.len() / 7 + 1) {
            client.send(part).await;
            tokio::task::yield_now().await;
        }
        assert_eq!(client.correlation_id().await, id, "size {size}");
        assert_eq!(client.correlation_id().await, id + 1);
    }
    world.stop().await;
}

#[tokio::test]
async fn only_produce_may_be_very_large() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    let mut head = request(OVERLAPPING, 1, "");
    head[..4].copy_from_slice(&(9 * 1024 * 1024i32).to_be_bytes());
    client.send(&head).await;
    assert!(client.is_closed().await);
    world.stop().await;
}

#[tokio::test]
async fn large_frames_wait_for_the_nodes_frame_memory() {
    let world = World::start(Settings { queued_max_request_bytes: 200 * KIB, ..Settings::default() }).await;
    let (mut one, mut other) = (world.connect().await, world.connect().await);
    one.send(&request_with(PRODUCE, 1, "later", 150 * KIB)).await;
    world.script.until_started(1).await;
    other.send(&request_with(PRODUCE, 2, "", 150 * KIB)).await;
    assert!(other.is_silent().await, "the memory is taken");
    assert_eq!(*world.script.started.lock(), [1]);
    world.script.open(1);
    assert_eq!(one.correlation_id().await, 1);
    assert_eq!(other.correlation_id().await, 2);
    // More than all of it is let in alone.
    one.send(&request_with(PRODUCE, 3, "", 500 * KIB)).await;
    assert_eq!(one.correlation_id().await, 3);
    world.stop().await;
}

#[tokio::test]
async fn a_parked_request_holds_no_frame_memory() {
    let world = World::start(Settings { queued_max_request_bytes: 200 * KIB, ..Settings::default() }).await;
    let (mut one, mut other) = (world.connect().await, world.connect().await);
    one.send(&request_with(OVERLAPPING, 1, "later", 150 * KIB)).await;
    world.script.until_started(1).await;
    other.send(&request_with(PRODUCE, 2, "", 150 * KIB)).await;
    assert_eq!(other.correlation_id().await, 2, "it does not wait for the parked one");
    world.script.open(1);
    assert_eq!(one.correlation_id().await, 1);
    world.stop().await;
}

#[tokio::test]
async fn a13_idle_connections_are_closed_and_waiting_ones_are_not() {
    let world = World::start(Settings { connections_max_idle_ms: 150, ..Settings::default() }).await;
    let (mut idle, mut waiting, mut busy) = (world.connect().await, world.connect().await, world.connect().await);
    waiting.send(&request(OVERLAPPING, 1, "later")).await;
    for id in 10..20 {
        busy.send(&request(OVERLAPPING, id, "")).await;
        assert_eq!(busy.correlation_id().await, id);
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    assert!(idle.is_closed().await);
    world.script.open(1);
    assert_eq!(waiting.correlation_id().await, 1);
    assert!(waiting.is_closed().await && busy.is_closed().await);
    assert_eq!(world.metrics.connections.get(), 0);
    world.stop().await;
}

#[tokio::test]
async fn a13_connections_of_an_address_beyond_its_share_are_closed() {
    let world = World::start(Settings { max_connections_per_ip: 2, ..Settings::default() }).await;
    let (mut one, mut two) = (world.connect().await, world.connect().await);
    for (id, client) in [(1, &mut one), (2, &mut two)] {
        client.send(&request(OVERLAPPING, id, "")).await;
        assert_eq!(client.correlation_id().await, id);
    }
    assert!(world.connect().await.is_closed().await);
    drop(one);
    while world.metrics.connections.get() > 1 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut three = world.connect().await;
    three.send(&request(OVERLAPPING, 3, "")).await;
    assert_eq!(three.correlation_id().await, 3);
    world.stop().await;
}

#[tokio::test]
async fn a13_connections_beyond_the_nodes_share_wait() {
    let world = World::start(Settings { max_connections: 1, ..Settings::default() }).await;
    let (mut one, mut two) = (world.connect().await, world.connect().await);
    one.send(&request(OVERLAPPING, 1, "")).await;
    two.send(&request(OVERLAPPING, 2, "")).await;
    assert_eq!(one.correlation_id().await, 1);
    assert!(two.is_silent().await);
    drop(one);
    assert_eq!(two.correlation_id().await, 2);
    world.stop().await;
}

#[tokio::test]
async fn half_open_connections_hold_no_buffers() {
    let world = World::start(Settings::default()).await;
    let mut clients = Vec::new();
    for _ in 0..300 {
        clients.push(world.connect().await);
    }
    let mut first = world.connect().await;
    first.send(&request(OVERLAPPING, 1, "")).await;
    assert_eq!(first.correlation_id().await, 1);
    while world.metrics.connections.get() < 301 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // A connection without unread bytes costs its task; what it reads into is the node's.
    assert!(world.script.buffers.blocks_made() <= 2, "{} blocks", world.script.buffers.blocks_made());
    let size = std::mem::size_of::<super::super::connection::Connection<Script, TcpStream>>();
    assert!(size <= 1024, "a connection takes {size} bytes");
    world.stop().await;
}
