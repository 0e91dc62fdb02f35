//! How records stand with a group, in what is stored: state and count, by stretches of offsets.

use super::ranges::Ranges;
use crate::record::internal::share_state::StateBatch;

/// How a record stands with a group (S1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DeliveryState {
    /// To be delivered, perhaps again.
    Available,
    /// A member has it, and a lock on it. Never stored.
    Acquired,
    /// Done with.
    Acknowledged,
    /// Given up: rejected, delivered too often, or gone.
    Archived,
}

impl DeliveryState {
    /// Kafka's number.
    pub fn id(self) -> i8 {
        match self {
            Self::Available => 0,
            Self::Acquired => 1,
            Self::Acknowledged => 2,
            Self::Archived => 4,
        }
    }

    /// The state of that number.
    pub fn of(id: i8) -> Option<Self> {
        [Self::Available, Self::Acquired, Self::Acknowledged, Self::Archived].into_iter().find(|state| state.id() == id)
    }

    /// Whether it will not be delivered again.
    pub fn is_complete(self) -> bool {
        matches!(self, Self::Acknowledged | Self::Archived)
    }
}

/// What is stored of a record, in the order in which Kafka lets one prevail over another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stand {
    /// How often it has been delivered.
    pub delivery_count: i16,
    /// Kafka's number of its state; kept as it came.
    pub state: i8,
}

/// Lays `news` over `known`, of which the higher count prevails and then the higher state; what lies below the start
/// offset falls away, and neighbours that stand alike become one (Kafka's `PersisterStateBatchCombiner`).
pub fn combine(known: &[StateBatch], news: &[StateBatch], start_offset: i64) -> Vec<StateBatch> {
    let mut stands = Ranges::default();
    for batch in known.iter().chain(news) {
        let stand = Stand { delivery_count: batch.delivery_count, state: batch.delivery_state };
        stands.change(batch.first_offset, batch.last_offset, |held: &mut Stand| *held = (*held).max(stand));
        stands.fill(batch.first_offset, batch.last_offset, &stand);
    }
    if start_offset >= 0 {
        stands.forget_below(start_offset);
    }
    let batch = |(first_offset, last_offset, stand): (i64, i64, &Stand)| StateBatch {
        first_offset,
        last_offset,
        delivery_state: stand.state,
        delivery_count: stand.delivery_count,
    };
    stands.iter().map(batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batches(written: &[(i64, i64, i8, i16)]) -> Vec<StateBatch> {
        let batch = |(first_offset, last_offset, delivery_state, delivery_count): &(i64, i64, i8, i16)| StateBatch {
            first_offset: *first_offset,
            last_offset: *last_offset,
            delivery_state: *delivery_state,
            delivery_count: *delivery_count,
        };
        written.iter().map(batch).collect()
    }

    #[test]
    fn s5_the_higher_count_prevails_and_then_the_higher_state() {
        let over = |known: &[_], news: &[_], start| combine(&batches(known), &batches(news), start);
        // Within: the old one is cut in two.
        let split = over(&[(100, 110, 0, 1)], &[(103, 105, 2, 1)], -1);
        assert_eq!(split, batches(&[(100, 102, 0, 1), (103, 105, 2, 1), (106, 110, 0, 1)]));
        // A late word that knows less changes nothing.
        assert_eq!(over(&[(100, 110, 2, 3)], &[(100, 110, 0, 2)], -1), batches(&[(100, 110, 2, 3)]));
        assert_eq!(over(&[(100, 110, 0, 2)], &[(105, 115, 0, 2)], -1), batches(&[(100, 115, 0, 2)]));
        assert_eq!(over(&[(100, 110, 0, 2)], &[(111, 111, 4, 5)], 105), batches(&[(105, 110, 0, 2), (111, 111, 4, 5)]));
        assert_eq!(over(&[(100, 110, 0, 2)], &[], 120), batches(&[]));
    }
}
