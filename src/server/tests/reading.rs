//! Frames are what was sent, whatever their sizes and however they arrive.

use super::super::input::{FrameMemory, Input};
use crate::rng::Rng;
use crate::wire::frame::REQUEST_MAX_BYTES;
use crate::wire::Buffers;
use std::future::poll_fn;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};

/// Frame lengths around the sizes of blocks, and what connections send in earnest.
const LENGTHS: [usize; 12] =
    [10, 200, 16_500, 16_500, 65_531, 65_532, 65_533, 131_200, 150_000, 262_139, 262_141, 400_000];
/// Frames kept while others are read, as by requests that wait for their answers.
const KEPT: usize = 7;

/// A Produce of this length: two bytes of key, two of version, the rest of chance.
fn frame(rng: &Rng, length: usize) -> Vec<u8> {
    let mut frame: Vec<u8> = (0..length).map(|_| rng.below(256) as u8).collect();
    frame[..4].copy_from_slice(&[0, 0, 0, 9]);
    frame
}

async fn reads_what_was_sent(seed: u64, frame_memory_bytes: usize) {
    let rng = Rng::from_seed(seed);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (mut stream, _) = listener.accept().await.unwrap();
    let frames: Vec<Vec<u8>> =
        (0..150).map(|_| frame(&rng, LENGTHS[rng.below(LENGTHS.len() as u64) as usize])).collect();
    let mut bytes = Vec::new();
    for frame in &frames {
        bytes.extend_from_slice(&(frame.len() as u32).to_be_bytes());
        bytes.extend_from_slice(frame);
    }
    let mut pieces = Vec::new();
    while !bytes.is_empty() {
        let most = if rng.below(4) == 0 { 40 } else { 300_000 };
        let rest = bytes.split_off(bytes.len().min(1 + rng.below(most) as usize));
        pieces.push(std::mem::replace(&mut bytes, rest));
    }
    let sender = tokio::spawn(async move {
        for piece in pieces {
            client.write_all(&piece).await.unwrap();
            tokio::task::yield_now().await;
        }
        client
    });
    let mut input = Input::new(Buffers::new().unwrap(), FrameMemory::new(frame_memory_bytes), REQUEST_MAX_BYTES);
    let mut kept = Vec::new();
    for (at, sent) in frames.iter().enumerate() {
        while input.next_api_key().unwrap().is_none() {
            let read = poll_fn(|cx| input.poll_fill(&mut stream, cx)).await.unwrap().unwrap();
            assert!(read > 0, "the end before frame {at}");
        }
        let taken = input.take().unwrap().expect("a whole frame");
        assert!(taken.bytes == sent[..], "frame {at} of {} bytes", sent.len());
        kept.push((at, taken));
        if kept.len() > KEPT || frame_memory_bytes < 1 << 20 {
            // Without memory to spare a later frame would wait for those that are kept.
            kept.drain(..).for_each(|(at, taken)| assert!(taken.bytes == frames[at][..], "frame {at}, kept"));
        }
    }
    sender.await.unwrap();
}

#[tokio::test]
async fn frames_of_all_sizes_are_read_as_they_were_sent() {
    for seed in 1..=6 {
        reads_what_was_sent(seed, 512 << 20).await;
        // Too little for large blocks.
        reads_what_was_sent(seed, 500_000).await;
    }
}
