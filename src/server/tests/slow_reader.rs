//! Record bytes from files, and readers that do not read.

use super::*;
use crate::disk::sim::SimDisk;
use crate::rng::Rng;
use crate::wire::buffers::CHUNK_BYTES;
use std::path::Path;

/// Bytes of a Fetch 11 answer in front of and behind its only partition's records.
fn records(answer: &[u8], length: usize) -> &[u8] {
    let at = answer.len() - length;
    assert_eq!(&answer[at - 4..at], (length as i32).to_be_bytes());
    &answer[at..]
}

#[tokio::test]
async fn f15_file_ranges_arrive_byte_for_byte() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    for length in [1, 1000, 64 * 1024 - 1, 64 * 1024, 300_000, 5_000_000] {
        let content = world.file(length);
        client.send(&[request(OVERLAPPING, 1, "file"), request(OVERLAPPING, 2, "")].concat()).await;
        let answer = client.answer().await;
        assert!(records(&answer, length) == content, "length {length}");
        assert_eq!(client.correlation_id().await, 2);
    }
    world.stop().await;
}

#[tokio::test]
async fn f15_pieces_of_files_and_memory_keep_their_order() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    let content = world.file(2000);
    let want = [&content[..1000], b"between", &content[..1000]].concat();
    let all: Vec<u8> = (0..60).flat_map(|id| request(OVERLAPPING, id, "mixed")).collect();
    client.send(&all).await;
    for _ in 0..60 {
        let answer = client.answer().await;
        assert!(records(&answer, want.len()) == want);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_file_that_ends_early_breaks_the_connection() {
    let world = World::start(Settings::default()).await;
    world.file(1000);
    if let Some(range) = world.script.file.lock().as_mut() {
        range.length = 2000;
    }
    let mut client = world.connect().await;
    client.send(&request(OVERLAPPING, 1, "file")).await;
    let mut answer = Vec::new();
    let _ = client.stream.read_to_end(&mut answer).await;
    assert!(answer.len() < 1200, "cut before the missing bytes, not padded");
    world.stop().await;
}

/// A file that the kernel cannot send, as on an encrypted connection: its bytes pass through the process.
async fn file_in_memory(world: &World, length: usize) -> Vec<u8> {
    let content = vec![7; length];
    let disk = SimDisk::new(Rng::from_seed(1));
    let file = disk.open(Path::new("/0.log"), Open::Write).unwrap();
    file.append_vectored(0, &[IoSlice::new(&content)]).unwrap();
    assert!(file.descriptor().is_none());
    *world.script.file.lock() = Some(FileRange { file, position: 0, length: length as u64 });
    content
}

#[tokio::test]
async fn f15_files_without_descriptors_arrive_byte_for_byte() {
    let world = World::start(Settings::default()).await;
    let mut client = world.connect().await;
    for length in [1000, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3_000_000] {
        let content = file_in_memory(&world, length).await;
        client.send(&[request(OVERLAPPING, 1, "file"), request(OVERLAPPING, 2, "file")].concat()).await;
        for _ in 0..2 {
            let answer = client.answer().await;
            assert!(records(&answer, length) == content, "length {length}");
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn slow_readers_hold_one_chunk_each() {
    let world = World::start(Settings { drain_ms: 50, ..Settings::default() }).await;
    file_in_memory(&world, 8 * 1024 * 1024).await;
    let mut clients = Vec::new();
    for id in 0..8 {
        let mut client = world.connect().await;
        // Far more than the sockets' buffers take, asked for several times over.
        for _ in 0..8 {
            client.send(&request(OVERLAPPING, id, "file")).await;
        }
        clients.push(client);
    }
    for id in 0..8 {
        world.script.until_started(id).await;
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    let chunks = world.script.buffers.chunks_made();
    assert!((1..=8).contains(&chunks), "{chunks} chunks of {CHUNK_BYTES} bytes");
    world.stop().await;
}

#[tokio::test]
async fn answers_in_memory_that_nobody_reads_stop_the_requests() {
    let world = World::start(Settings { drain_ms: 50, ..Settings::default() }).await;
    let mut client = world.connect().await;
    let all: Vec<u8> = (0..200).flat_map(|id| request(OVERLAPPING, id, "big")).collect();
    client.send(&all).await;
    world.script.until_started(2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let started = world.script.started.lock().len();
    assert!(started < 100, "{started} answers of half a MiB wait");
    for id in 0..200 {
        assert_eq!(client.correlation_id().await, id);
    }
    world.stop().await;
}
