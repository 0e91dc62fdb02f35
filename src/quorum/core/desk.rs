//! The active controller's desk: decisions packed into the next entry, entries in flight, and who waits for what.

use super::Outputs;
use crate::ids::NodeId;
use crate::quorum::handle::SubmitError;
use crate::quorum::machine::{MachineError, Position};
use crate::quorum::settings;
use std::collections::VecDeque;

/// Names a submission towards whoever made it.
pub type Ticket = u64;

/// The ticket of what the active controller asks of itself. Nobody waits for the answer.
pub const NOBODY: Ticket = 0;

/// The coding of an entry: this byte, then for each decision its length (four bytes, big-endian) and its records.
const ENTRY_FORMAT: u8 = 1;

/// Answers that leave when an entry is applied.
type Waiting<R> = Vec<(Ticket, R)>;

struct InFlight<R> {
    at: Position,
    bytes: usize,
    waiting: Waiting<R>,
}

/// Decisions not yet proposed.
struct Pack<R> {
    /// Where the entry will stand.
    at: Position,
    bytes: Vec<u8>,
    waiting: Waiting<R>,
}

pub(super) struct Desk<R> {
    /// The term in which everything on the desk was judged.
    term: Option<u64>,
    active: bool,
    pack: Option<Pack<R>>,
    in_flight: VecDeque<InFlight<R>>,
    in_flight_bytes: usize,
}

impl<R> Default for Desk<R> {
    fn default() -> Self {
        Self { term: None, active: false, pack: None, in_flight: VecDeque::new(), in_flight_bytes: 0 }
    }
}

impl<R> Desk<R> {
    /// The term in which this node is the active controller.
    pub(super) fn active_term(&self) -> Option<u64> {
        self.term.filter(|_| self.active)
    }

    /// The term that the desk belongs to, active or not.
    pub(super) fn term(&self) -> Option<u64> {
        self.term
    }

    pub(super) fn open(&mut self, term: u64) {
        debug_assert!(self.pack.is_none() && self.in_flight.is_empty(), "the desk was cleared");
        self.term = Some(term);
        self.active = true;
    }

    /// This node is not the active controller any more. What was not proposed has not happened; what was may have.
    pub(super) fn stand_down(&mut self, leader: Option<NodeId>, out: &mut Outputs<R>) {
        self.term = None;
        self.active = false;
        self.in_flight_bytes = 0;
        for (ticket, _) in self.in_flight.drain(..).flat_map(|entry| entry.waiting) {
            out.answers.push((ticket, Err(SubmitError::LeadershipLost { leader })));
        }
        self.drop_pack(leader, out);
    }

    /// The pack's place in the log was taken. Its submitters must come again, once what is in flight is applied.
    pub(super) fn lose_place(&mut self, leader: Option<NodeId>, out: &mut Outputs<R>) {
        self.active = false;
        self.drop_pack(leader, out);
    }

    fn drop_pack(&mut self, leader: Option<NodeId>, out: &mut Outputs<R>) {
        for (ticket, _) in self.pack.take().into_iter().flat_map(|pack| pack.waiting) {
            out.answers.push((ticket, Err(SubmitError::NotController { leader })));
        }
    }

    pub(super) fn has_room(&self) -> bool {
        self.pack.as_ref().is_none_or(|pack| {
            pack.bytes.len() < settings::MAX_PACK_BYTES && pack.waiting.len() < settings::MAX_PACK_SUBMISSIONS
        })
    }

    /// Takes a decision whose records, if it has any, will stand at `at`. Gives the answer back if nothing it was judged against
    /// is still to be applied.
    pub(super) fn take(&mut self, at: Position, ticket: Ticket, records: &[u8], response: R) -> Option<R> {
        if records.is_empty() {
            let last = match (&mut self.pack, self.in_flight.back_mut()) {
                (Some(pack), _) => &mut pack.waiting,
                (None, Some(entry)) => &mut entry.waiting,
                (None, None) => return Some(response),
            };
            last.push((ticket, response));
            return None;
        }
        let pack = self.pack.get_or_insert_with(|| Pack { at, bytes: vec![ENTRY_FORMAT], waiting: Vec::new() });
        debug_assert_eq!(pack.at, at, "decisions of one pack stand at one place");
        let length = u32::try_from(records.len()).expect("one decision stays far below 4 GiB");
        pack.bytes.extend_from_slice(&length.to_be_bytes());
        pack.bytes.extend_from_slice(records);
        pack.waiting.push((ticket, response));
        None
    }

    /// Where the pack is to stand, if there is one that should go now. While the disk is busy with another entry it waits and
    /// fills, and while too much is uncommitted it waits too.
    pub(super) fn pack_to_propose(&self, disk_is_busy: bool) -> Option<Position> {
        let pack = self.pack.as_ref()?;
        let fits =
            self.in_flight.is_empty() || self.in_flight_bytes + pack.bytes.len() <= settings::MAX_UNCOMMITTED_BYTES;
        (fits && (!disk_is_busy || !self.has_room())).then_some(pack.at)
    }

    /// The pack's bytes, to be proposed.
    pub(super) fn pack_bytes(&self) -> Vec<u8> {
        self.pack.as_ref().map(|pack| pack.bytes.clone()).unwrap_or_default()
    }

    /// The pack stands in the log.
    pub(super) fn proposed(&mut self) {
        let Some(pack) = self.pack.take() else { return };
        self.in_flight_bytes += pack.bytes.len();
        self.in_flight.push_back(InFlight { at: pack.at, bytes: pack.bytes.len(), waiting: pack.waiting });
    }

    /// The entry at `at` is applied: the answers that waited for it.
    pub(super) fn applied(&mut self, at: Position) -> Waiting<R> {
        if self.in_flight.front().is_none_or(|entry| entry.at.index > at.index) {
            return Vec::new();
        }
        let entry = self.in_flight.pop_front().expect("it has just been seen");
        assert_eq!(entry.at, at, "what an active leader proposes is committed as proposed, or it leads no more");
        self.in_flight_bytes -= entry.bytes;
        entry.waiting
    }
}

/// The decisions in an entry. An entry without bytes, as raft appends at an election, has none.
pub(super) fn unpack(mut bytes: &[u8]) -> Result<Vec<&[u8]>, MachineError> {
    let mut decisions = Vec::new();
    match bytes.split_first() {
        None => return Ok(decisions),
        Some((&ENTRY_FORMAT, rest)) => bytes = rest,
        Some((format, _)) => return Err(MachineError(format!("an entry has the unknown format {format}"))),
    }
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(cut_short)?;
        let (records, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(cut_short)?;
        decisions.push(records);
        bytes = rest;
    }
    Ok(decisions)
}

fn cut_short() -> MachineError {
    MachineError("an entry ends within a decision".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_come_out_as_they_went_in() {
        let at = Position { index: 7, term: 2 };
        let mut desk = Desk::default();
        desk.open(2);
        assert_eq!(desk.take(at, 1, b"", "nothing to wait for"), Some("nothing to wait for"));
        assert_eq!(desk.take(at, 2, b"one", "1"), None);
        assert_eq!(desk.take(at, 3, b"", "after one"), None);
        assert_eq!(desk.take(at, 4, b"three", "3"), None);
        assert_eq!(unpack(&desk.pack_bytes()), Ok(vec![&b"one"[..], &b"three"[..]]));
        assert_eq!(desk.pack_to_propose(true), None, "it fills while the disk is busy");
        assert_eq!(desk.pack_to_propose(false), Some(at));
        desk.proposed();
        assert_eq!(desk.take(Position { index: 8, term: 2 }, 5, b"", "in flight"), None);
        assert_eq!(desk.applied(Position { index: 6, term: 1 }), []);
        assert_eq!(desk.applied(at), [(2, "1"), (3, "after one"), (4, "3"), (5, "in flight")]);
    }

    #[test]
    fn a_full_pack_goes_and_too_much_uncommitted_waits() {
        let mut desk = Desk::default();
        desk.open(1);
        let at = |index| Position { index, term: 1 };
        for index in 1.. {
            assert_eq!(desk.take(at(index), index, &vec![0; settings::MAX_PACK_BYTES], ()), None);
            assert!(!desk.has_room());
            if desk.pack_to_propose(true).is_none() {
                assert_eq!(index as usize, settings::MAX_UNCOMMITTED_BYTES / settings::MAX_PACK_BYTES);
                break;
            }
            desk.proposed();
        }
        assert_eq!(desk.applied(at(1)).len(), 1);
        assert!(desk.pack_to_propose(true).is_some(), "room again");
    }

    #[test]
    fn standing_down_tells_what_may_have_happened() {
        let mut desk = Desk::default();
        desk.open(1);
        desk.take(Position { index: 1, term: 1 }, 1, b"a", ());
        desk.proposed();
        desk.take(Position { index: 2, term: 1 }, 2, b"b", ());
        let mut out = Outputs::default();
        desk.stand_down(Some(4), &mut out);
        assert_eq!(
            out.answers,
            [
                (1, Err(SubmitError::LeadershipLost { leader: Some(4) })),
                (2, Err(SubmitError::NotController { leader: Some(4) }))
            ]
        );
        assert_eq!((desk.term(), desk.pack_to_propose(false)), (None, None));
    }

    #[test]
    fn entries_cut_short_are_errors() {
        let whole = [&[ENTRY_FORMAT, 0, 0, 0, 2][..], b"ab", &[0, 0, 0, 0]].concat();
        assert_eq!(unpack(&whole), Ok(vec![&b"ab"[..], &b""[..]]));
        assert_eq!(unpack(&[]), Ok(vec![]));
        for end in [2, 4, 5, 6, 8, 10] {
            assert!(unpack(&whole[..end]).is_err(), "{end}");
        }
        assert!(unpack(&[9]).is_err());
        assert!(unpack(&[ENTRY_FORMAT, 0xFF, 0xFF, 0xFF, 0xFF, 1]).is_err());
    }
}
