//! A machine that keeps a list of distinct words: enough to tell a lost entry, a doubled one and a wrong answer.

use crate::clock::Now;
use crate::quorum::machine::{Decision, MachineError, Position, SnapshotWriter, StateMachine, TooLarge};

/// Appends a word unless it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add(pub String);

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Added {
    /// It stands at this position of the log.
    At(Position),
    /// It was there.
    Exists,
}

#[derive(Clone, Debug, Default)]
pub struct ListMachine {
    pub words: Vec<String>,
    scratch: Vec<String>,
    pub applied: Position,
    pub published: Vec<String>,
    pub activations: usize,
}

impl StateMachine for ListMachine {
    type Request = Add;
    type Response = Added;

    fn decide(&mut self, _now: Now, at: Position, Add(word): &Add) -> Result<Decision<Added>, TooLarge> {
        if word == "too large" {
            return Err(TooLarge(word.len()));
        }
        if word == "panic" {
            panic!("the machine was told to panic");
        }
        if self.scratch.contains(word) {
            return Ok(Decision { records: Vec::new(), response: Added::Exists });
        }
        self.scratch.push(word.clone());
        Ok(Decision { records: word.clone().into_bytes(), response: Added::At(at) })
    }

    fn apply(&mut self, at: Position, records: &[u8]) -> Result<(), MachineError> {
        assert!(
            at.index == self.applied.index || at.index == self.applied.index + 1,
            "{at:?} after {:?}",
            self.applied
        );
        assert!(at.term >= self.applied.term, "terms never go back");
        self.applied = at;
        if records.is_empty() {
            return Ok(());
        }
        let word = String::from_utf8(records.to_vec()).map_err(|error| MachineError(error.to_string()))?;
        assert!(!self.words.contains(&word), "{word} was decided twice");
        self.words.push(word);
        Ok(())
    }

    fn publish(&mut self) {
        self.published = self.words.clone();
    }

    fn snapshot(&self) -> SnapshotWriter {
        let words = self.words.clone();
        Box::new(move || words.join("\n").into_bytes())
    }

    fn restore(&mut self, at: Position, snapshot: &[u8]) -> Result<(), MachineError> {
        let text = String::from_utf8(snapshot.to_vec()).map_err(|error| MachineError(error.to_string()))?;
        self.words = text.lines().map(str::to_owned).collect();
        self.applied = at;
        Ok(())
    }

    fn reset_scratch(&mut self) {
        self.scratch = self.words.clone();
    }

    fn became_active(&mut self, _now: Now) {
        self.activations += 1;
    }

    fn timed_request(&mut self, _now: Now) -> Option<Add> {
        None
    }

    fn request_bytes(Add(word): &Add) -> usize {
        word.len()
    }
}
