//! The machine's own limit: a server that does with a frame only what every broker must. It receives the frame, sums it,
//! appends it to a file that has room reserved, and answers. Nothing is parsed, ordered, indexed or published.

use crate::options::Options;
use crate::produce::answer;
use crc_fast::{checksum, CrcAlgorithm};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// Room reserved at a time.
const RESERVE_BYTES: u64 = 64 << 20;
/// What one read takes in, as in Klamm.
const BLOCK_BYTES: usize = 64 << 10;

pub fn run(options: &Options) {
    let directory: PathBuf = options.need("directory");
    let listener = TcpListener::bind(("127.0.0.1", options.need::<u16>("port"))).expect("a free port");
    println!("probe ready");
    for (number, stream) in listener.incoming().enumerate() {
        let path = directory.join(format!("probe-{number}"));
        let file = File::create(&path).expect("a file to append to");
        std::thread::spawn(move || serve(stream.expect("a connection"), &file));
    }
}

fn serve(mut stream: TcpStream, file: &File) {
    stream.set_nodelay(true).expect("no delay");
    let mut buffer = vec![0; BLOCK_BYTES];
    let (mut filled, mut position, mut reserved) = (0, 0u64, 0u64);
    let mut answers = Vec::new();
    loop {
        let count = match stream.read(&mut buffer[filled..]) {
            Ok(0) | Err(_) => return,
            Ok(count) => count,
        };
        filled += count;
        let mut at = 0;
        answers.clear();
        while let Some(prefix) = buffer[at..filled].first_chunk::<4>() {
            let whole = 4 + u32::from_be_bytes(*prefix) as usize;
            if buffer.len() < whole {
                buffer.resize(whole.next_power_of_two(), 0);
            }
            let Some(frame) = buffer[at..filled].get(..whole) else { break };
            std::hint::black_box(checksum(CrcAlgorithm::Crc32Iscsi, frame));
            if position + whole as u64 > reserved {
                reserved += RESERVE_BYTES.max(whole as u64);
                let mode = rustix::fs::FallocateFlags::KEEP_SIZE;
                rustix::fs::fallocate(file, mode, 0, reserved).expect("room on the disk");
            }
            file.write_all_at(frame, position).expect("a write");
            position += whole as u64;
            answers.extend_from_slice(&answer([frame[8], frame[9], frame[10], frame[11]]));
            at += whole;
        }
        buffer.copy_within(at..filled, 0);
        filled -= at;
        if stream.write_all(&answers).is_err() {
            return;
        }
    }
}
