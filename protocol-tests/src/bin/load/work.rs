//! The requests of one connection, encoded once.

use bytes::{BufMut, BytesMut};
use crc_fast::{checksum, CrcAlgorithm};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Where the correlation id stands in a frame.
const CORRELATION_AT: usize = 8;
/// Bytes behind the batch: three empty sections of tagged fields.
const BEHIND_BATCH: usize = 3;
/// Where a Produce answer of version 13 with one partition says its error code.
const ERROR_AT: usize = 31;
const CRC_AT: usize = 17;
const CRC_FROM: usize = 21;
const SEQUENCE_AT: usize = 53;
/// No answer for so long is a failure.
const PATIENCE: Duration = Duration::from_secs(60);

/// One request frame with one batch.
pub struct Prepared {
    pub frame: Vec<u8>,
    pub batch_bytes: usize,
    pub records: i32,
    /// The sequence of the next batch; `None` without idempotence.
    pub sequence: Option<i32>,
}

impl Prepared {
    fn number(&mut self, correlation_id: i32) {
        self.frame[CORRELATION_AT..CORRELATION_AT + 4].copy_from_slice(&correlation_id.to_be_bytes());
        let Some(sequence) = self.sequence else { return };
        let at = self.frame.len() - BEHIND_BATCH - self.batch_bytes;
        let end = at + self.batch_bytes;
        let batch = &mut self.frame[at..end];
        batch[SEQUENCE_AT..SEQUENCE_AT + 4].copy_from_slice(&sequence.to_be_bytes());
        let crc = checksum(CrcAlgorithm::Crc32Iscsi, &batch[CRC_FROM..]) as u32;
        batch[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_be_bytes());
        self.sequence = Some(sequence.checked_add(self.records).unwrap_or(0));
    }
}

/// Requests that are still to be sent, over all connections.
#[derive(Clone)]
pub struct Budget(Arc<AtomicI64>);

impl Budget {
    pub fn new(requests: i64) -> Self {
        Self(Arc::new(AtomicI64::new(requests)))
    }

    pub fn take(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) > 0
    }
}

/// One connection's requests, partition by partition.
pub struct Sender {
    stream: TcpStream,
    prepared: Vec<Prepared>,
    sent: usize,
}

impl Sender {
    pub fn new(stream: TcpStream, prepared: Vec<Prepared>) -> Self {
        stream.set_nodelay(true).expect("no delay");
        Self { stream, prepared, sent: 0 }
    }

    pub fn send(&mut self) -> io::Result<()> {
        let at = self.sent % self.prepared.len();
        self.sent += 1;
        self.prepared[at].number(self.sent as i32);
        self.stream.write_all(&self.prepared[at].frame)
    }

    pub fn answers(&self) -> Answers {
        Answers::new(self.stream.try_clone().expect("a second handle"))
    }
}

/// Reads answers and finds errors in them.
pub struct Answers {
    stream: TcpStream,
    read: BytesMut,
}

impl Answers {
    fn new(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        Self { stream, read: BytesMut::with_capacity(1 << 16) }
    }

    /// Waits for answers; how many came.
    pub fn read(&mut self) -> usize {
        loop {
            let mut chunk = [0; 1 << 14];
            let count = self.stream.read(&mut chunk).expect("an answer in time");
            assert!(count > 0, "the broker closed the connection");
            self.read.put_slice(&chunk[..count]);
            let mut answers = 0;
            while let Some(prefix) = self.read.first_chunk::<4>() {
                let length = 4 + u32::from_be_bytes(*prefix) as usize;
                if self.read.len() < length {
                    break;
                }
                let answer = self.read.split_to(length);
                let code = answer.get(ERROR_AT..ERROR_AT + 2).map_or(0, |code| i16::from_be_bytes([code[0], code[1]]));
                assert_eq!(code, 0, "a refused batch");
                answers += 1;
            }
            if answers > 0 {
                return answers;
            }
        }
    }
}
