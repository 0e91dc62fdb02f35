//! What must be true of transactions: each counts whole or not at all, as its producer was told.
//!
//! Everything that transactions touch is flushed before it is acknowledged, so all of this holds over power cuts as well.

use super::life::Life;
use super::oracle::{Mark, Place};
use std::collections::{BTreeMap, BTreeSet};

/// How far a transaction is, as far as its producer knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Its commit has not been asked for.
    Open,
    /// Its commit has been asked for, and nobody knows how that went.
    CommitAsked,
    /// It was committed.
    Committed,
    /// It will never be: its abort was asked for, or its producer was fenced before it asked for anything.
    Never,
}

/// One transaction.
struct Transaction {
    fate: Fate,
    marks: Vec<(Mark, Place)>,
    /// It commits its own number for its producer's group.
    with_offset: bool,
}

/// Names a transaction: its producer, and a count that its group's offset is set to.
pub type TransactionId = (u32, i64);

/// The model of all transactions.
#[derive(Default)]
pub struct Ledger {
    transactions: BTreeMap<TransactionId, Transaction>,
    by_mark: BTreeMap<Mark, TransactionId>,
    /// The topics that transactions live in are flushed before they acknowledge.
    pub is_durable: bool,
    /// How far each partition was stable.
    stable: BTreeMap<Place, i64>,
    /// Transactions that ended as their producers were told.
    pub told: u64,
}

impl Ledger {
    /// A producer begins a transaction.
    pub fn begin(&mut self, id: TransactionId, marks: Vec<(Mark, Place)>, with_offset: bool) {
        self.by_mark.extend(marks.iter().map(|(mark, _)| (*mark, id)));
        self.transactions.insert(id, Transaction { fate: Fate::Open, marks, with_offset });
    }

    fn set(&mut self, life: &Life, id: TransactionId, fate: Fate) {
        let Some(transaction) = self.transactions.get_mut(&id) else { return };
        if matches!((transaction.fate, fate), (Fate::Committed, Fate::Never) | (Fate::Never, Fate::Committed)) {
            life.broken(&format!("{id:?} is {fate:?} after it was {:?}", transaction.fate));
        }
        transaction.fate = fate;
    }

    /// Its end is about to be asked for.
    pub fn asked(&mut self, life: &Life, id: TransactionId, commit: bool) {
        self.set(life, id, if commit { Fate::CommitAsked } else { Fate::Never });
    }

    /// The node said that it has ended so.
    pub fn ended(&mut self, life: &Life, id: TransactionId, commit: bool) {
        self.told += 1;
        self.set(life, id, if commit { Fate::Committed } else { Fate::Never });
    }

    /// Its producer was fenced: what has not been asked for will not happen.
    pub fn fenced(&mut self, life: &Life, id: TransactionId) {
        if self.transactions.get(&id).is_some_and(|transaction| transaction.fate == Fate::Open) {
            self.set(life, id, Fate::Never);
        }
    }

    /// A committed reader was given a record.
    pub fn read_committed(&mut self, life: &Life, place: Place, offset: i64, mark: Mark) {
        let Some(id) = self.by_mark.get(&mark).copied() else { return };
        match self.transactions[&id].fate {
            Fate::Committed => {}
            Fate::CommitAsked => self.set(life, id, Fate::Committed),
            fate => {
                life.broken(&format!("{place:?} shows {mark:?} at {offset} to committed readers: {id:?} is {fate:?}"))
            }
        }
    }

    /// A partition was told to be stable up to `offset`, below its high watermark.
    pub fn stable(&mut self, life: &Life, place: Place, offset: i64, high_watermark: i64) {
        let before = self.stable.entry(place).or_default();
        if offset < *before || offset > high_watermark {
            life.broken(&format!("{place:?} is stable up to {offset}, after {before}, below {high_watermark}"));
        }
        *before = offset;
    }

    /// The group of `producer` was told to be at `offset`, with nothing pending; `least` was known when it was asked.
    pub fn told_offset(&self, life: &Life, producer: u32, offset: i64, least: i64) {
        let named = self.transactions.get(&(producer, offset));
        let may_count =
            named.is_some_and(|named| named.with_offset && named.fate != Fate::Never && named.fate != Fate::Open);
        if offset < least || (offset > 0 && !may_count) {
            let fate = named.map(|named| named.fate);
            life.broken(&format!(
                "the group of {producer} is at {offset} ({fate:?}), which should be {least} at least"
            ));
        }
    }

    /// The newest offset that counts for the group of `producer`; 0 without one.
    pub fn offset(&self, producer: u32) -> i64 {
        let of_producer = self.transactions.range((producer, i64::MIN)..=(producer, i64::MAX));
        let counts = of_producer.filter(|(_, known)| known.with_offset && known.fate == Fate::Committed);
        counts.map(|((_, number), _)| *number).next_back().unwrap_or(0)
    }

    /// All is over, and this is what committed readers see from first to last: nothing may be missing of what counts.
    pub fn settle(&mut self, life: &Life, seen: &BTreeSet<Mark>) {
        for (id, transaction) in &mut self.transactions {
            let there = transaction.marks.iter().filter(|(mark, _)| seen.contains(mark)).count();
            let counts = match transaction.fate {
                Fate::Open => life.broken(&format!("{id:?} never came to an end")),
                Fate::Committed => true,
                Fate::Never => false,
                Fate::CommitAsked => there > 0,
            };
            if there != if counts { transaction.marks.len() } else { 0 } {
                let all = transaction.marks.len();
                life.broken(&format!(
                    "committed readers see {there} of {all} records of {id:?}, {:?}",
                    transaction.fate
                ));
            }
            transaction.fate = if counts { Fate::Committed } else { Fate::Never };
        }
    }
}
