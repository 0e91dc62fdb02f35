//! The states of a transaction (X2).

/// Where a transactional id's transaction stands. Two of Kafka's states are none here, as no record ever has them: `Dead`
/// is an id that expires, `PrepareEpochFence` an abort that its coordinator begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No transaction since the producer came.
    Empty,
    /// Begun.
    Ongoing,
    /// Decided: commits.
    PrepareCommit,
    /// Decided: aborts.
    PrepareAbort,
    /// Committed; all markers are written.
    CompleteCommit,
    /// Aborted; all markers are written.
    CompleteAbort,
}

/// Kafka's names of the states that no record has.
const UNSTORED: [&str; 2] = ["Dead", "PrepareEpochFence"];

impl State {
    const ALL: [Self; 6] = [
        Self::Empty,
        Self::Ongoing,
        Self::PrepareCommit,
        Self::PrepareAbort,
        Self::CompleteCommit,
        Self::CompleteAbort,
    ];

    /// Kafka's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "Empty",
            Self::Ongoing => "Ongoing",
            Self::PrepareCommit => "PrepareCommit",
            Self::PrepareAbort => "PrepareAbort",
            Self::CompleteCommit => "CompleteCommit",
            Self::CompleteAbort => "CompleteAbort",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether Kafka has a state of this name, stored or not.
    pub fn is_name(name: &str) -> bool {
        Self::from_name(name).is_some() || UNSTORED.contains(&name)
    }

    /// Kafka's number in records.
    pub fn number(self) -> i8 {
        self as i8
    }

    /// The state of a number in a record.
    pub fn from_number(number: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    /// Decided, and markers may be missing.
    pub fn is_prepared(self) -> bool {
        matches!(self, Self::PrepareCommit | Self::PrepareAbort)
    }

    /// Nothing is under way: a transaction may begin, and the id may expire.
    pub fn is_idle(self) -> bool {
        matches!(self, Self::Empty | Self::CompleteCommit | Self::CompleteAbort)
    }
}
