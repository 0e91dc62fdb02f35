//! Keys and values of the quorum's store.

use crate::kv::{Batch, Durability, Family, Kv, KvError};
use crate::quorum::machine::Position;
use prost::Message;
use raft::eraftpb::{ConfState, Entry};

/// Entries of the log: key is the index, big-endian; value is raft's own `Entry`.
pub(super) const ENTRIES: Family = Family(0);
/// Single rows.
pub(super) const STATE: Family = Family(1);

/// The format that this program writes.
const FORMAT: u8 = 1;

/// The single rows.
#[derive(Clone, Copy)]
pub(super) enum Row {
    /// One byte. Present in every store that was set up.
    Format,
    /// Raft's `HardState`.
    HardState,
    /// Raft's `ConfState` as of the snapshot.
    ConfState,
    /// The last entry that was forgotten.
    Truncated,
    /// The last entry in the snapshot.
    SnapshotAt,
    /// The snapshot's bytes.
    Snapshot,
}

impl Row {
    pub(super) fn key(self) -> &'static [u8] {
        match self {
            Row::Format => b"format",
            Row::HardState => b"hard_state",
            Row::ConfState => b"conf_state",
            Row::Truncated => b"truncated",
            Row::SnapshotAt => b"snapshot_at",
            Row::Snapshot => b"snapshot",
        }
    }
}

pub(super) fn entry_key(index: u64) -> Vec<u8> {
    index.to_be_bytes().to_vec()
}

/// A key behind that of every entry.
pub(super) fn after_all_entries() -> Vec<u8> {
    vec![0xFF; 9]
}

pub(super) fn entry_index(key: &[u8]) -> Result<u64, KvError> {
    let bytes = <[u8; 8]>::try_from(key).map_err(|_| KvError::Corrupt("an entry's key is not 8 bytes".into()))?;
    Ok(u64::from_be_bytes(bytes))
}

pub(super) fn decode_entry(index: u64, value: &[u8]) -> Result<Entry, KvError> {
    let entry = Entry::decode(value).map_err(|e| KvError::Corrupt(format!("entry {index}: {e}")))?;
    if entry.index != index {
        return Err(KvError::Corrupt(format!("entry {} stands at index {index}", entry.index)));
    }
    Ok(entry)
}

pub(super) fn read(kv: &dyn Kv, row: Row) -> Result<Option<Vec<u8>>, KvError> {
    kv.get(STATE, row.key())
}

pub(super) fn read_message<T: Message + Default>(kv: &dyn Kv, row: Row) -> Result<Option<T>, KvError> {
    let Some(bytes) = read(kv, row)? else { return Ok(None) };
    let name = String::from_utf8_lossy(row.key());
    T::decode(&*bytes).map(Some).map_err(|e| KvError::Corrupt(format!("the quorum's {name}: {e}")))
}

/// The position in `row`; index 0 if it was never written.
pub(super) fn read_position(kv: &dyn Kv, row: Row) -> Result<Position, KvError> {
    let Some(bytes) = read(kv, row)? else { return Ok(Position::default()) };
    let corrupt = || KvError::Corrupt(format!("the quorum's {} is not 16 bytes", String::from_utf8_lossy(row.key())));
    let (index, term) = bytes.split_at_checked(8).ok_or_else(corrupt)?;
    let number = |bytes: &[u8]| <[u8; 8]>::try_from(bytes).map(u64::from_be_bytes).map_err(|_| corrupt());
    Ok(Position { index: number(index)?, term: number(term)? })
}

pub(super) fn put(batch: &mut Batch, row: Row, value: Vec<u8>) {
    batch.put(STATE, row.key(), value);
}

pub(super) fn put_message<T: Message>(batch: &mut Batch, row: Row, message: &T) {
    put(batch, row, message.encode_to_vec());
}

pub(super) fn put_position(batch: &mut Batch, row: Row, at: Position) {
    put(batch, row, [at.index.to_be_bytes(), at.term.to_be_bytes()].concat());
}

/// Sets up an empty store with its first voters; refuses one of another format.
pub(super) fn set_up(kv: &dyn Kv, voters: &[u64]) -> Result<(), KvError> {
    match read(kv, Row::Format)?.as_deref() {
        Some([FORMAT]) => Ok(()),
        Some(other) => Err(KvError::Corrupt(format!("the quorum's store has format {other:?}, this is {FORMAT}"))),
        None => {
            let mut batch = Batch::new();
            put(&mut batch, Row::Format, vec![FORMAT]);
            let conf_state = ConfState { voters: voters.to_vec(), ..ConfState::default() };
            put_message(&mut batch, Row::ConfState, &conf_state);
            kv.write(batch, Durability::Synced)
        }
    }
}
