//! Acknowledging: what members say has become of the records that they hold.

use super::{released, DeliveryState, Limits, Persist, SharePartition, Stand};
use thiserror::Error;

/// What a member says of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcknowledgeType {
    /// There is no such record.
    Gap,
    /// It is done with.
    Accept,
    /// It is to be delivered again.
    Release,
    /// It cannot be dealt with, now or later.
    Reject,
    /// It is still being dealt with: the lock starts anew (KIP-1222).
    Renew,
}

impl AcknowledgeType {
    /// The type of that number.
    pub fn of(id: i8) -> Option<Self> {
        Some(match id {
            0 => Self::Gap,
            1 => Self::Accept,
            2 => Self::Release,
            3 => Self::Reject,
            4 => Self::Renew,
            _ => return None,
        })
    }
}

/// What a member says of neighbouring records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// First offset.
    pub first_offset: i64,
    /// Last offset.
    pub last_offset: i64,
    /// One for all of them, or one for each.
    pub types: Vec<AcknowledgeType>,
}

/// Why acknowledgements of a partition are refused, all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AcknowledgeError {
    /// They reach beyond what has been delivered.
    #[error("The last offset in request is past acquired records.")]
    PastAcquired,
    /// The member does not hold the records, not any more or not yet.
    #[error("The batch cannot be acknowledged. The member does not hold all of its records.")]
    InvalidRecordState,
}

impl SharePartition {
    /// Takes in what a member says, all of it or nothing. What changes is in the answer; renewals take effect at once, and
    /// what lies before the start means nothing any more.
    pub fn acknowledge(
        &mut self,
        member: &str,
        acknowledgements: &[Acknowledgement],
        limits: &Limits,
        now_ms: i64,
    ) -> Result<Option<Persist>, AcknowledgeError> {
        let mut said = Vec::new();
        for acknowledgement in acknowledgements {
            self.judge(member, acknowledgement)?;
            self.spell_out(acknowledgement, &mut said);
        }
        // Nobody may say two things of one record.
        if said.windows(2).any(|pair| pair[1].0 <= pair[0].1) {
            return Err(AcknowledgeError::InvalidRecordState);
        }
        let mut moves: Vec<(i64, i64, DeliveryState)> = Vec::new();
        for (first, last, kind) in said {
            for (first, last, count) in self.held(first, last) {
                let state = match kind {
                    AcknowledgeType::Accept => DeliveryState::Acknowledged,
                    AcknowledgeType::Gap | AcknowledgeType::Reject => DeliveryState::Archived,
                    AcknowledgeType::Release => released(count, limits),
                    AcknowledgeType::Renew => {
                        self.renew(first, last, now_ms.saturating_add(limits.lock_duration_ms));
                        continue;
                    }
                };
                match moves.last_mut() {
                    Some((_, end, before)) if *end + 1 == first && *before == state => *end = last,
                    _ => moves.push((first, last, state)),
                }
            }
        }
        Ok(if moves.is_empty() { None } else { Some(self.begin(moves)) })
    }

    /// The member must hold all of it that lies behind the start.
    fn judge(&self, member: &str, acknowledgement: &Acknowledgement) -> Result<(), AcknowledgeError> {
        let first = acknowledgement.first_offset.max(self.start_offset);
        let last = acknowledgement.last_offset;
        if last < first {
            return Ok(());
        }
        if last >= self.end_offset {
            return Err(AcknowledgeError::PastAcquired);
        }
        let mut at = first;
        for (from, to, stand) in self.records.within(first, last) {
            if from != at || !stand.is_held_by(member) {
                return Err(AcknowledgeError::InvalidRecordState);
            }
            at = to + 1;
        }
        if at > last {
            Ok(())
        } else {
            Err(AcknowledgeError::InvalidRecordState)
        }
    }

    /// Stretches behind the start with one type each.
    fn spell_out(&self, acknowledgement: &Acknowledgement, said: &mut Vec<(i64, i64, AcknowledgeType)>) {
        let Acknowledgement { first_offset, last_offset, types } = acknowledgement;
        let start = self.start_offset;
        if let [one] = types[..] {
            if *last_offset >= start {
                said.push(((*first_offset).max(start), *last_offset, one));
            }
            return;
        }
        let mut begun: Option<(i64, i64, AcknowledgeType)> = None;
        for (offset, kind) in (*first_offset..=*last_offset).zip(types).filter(|(offset, _)| *offset >= start) {
            match &mut begun {
                Some((_, last, before)) if before == kind => *last = offset,
                _ => said.extend(begun.replace((offset, offset, *kind))),
            }
        }
        said.extend(begun);
    }

    fn held(&self, first: i64, last: i64) -> Vec<(i64, i64, i16)> {
        self.records.within(first, last).map(|(first, last, stand)| (first, last, stand.delivery_count)).collect()
    }

    fn renew(&mut self, first: i64, last: i64, deadline_ms: i64) {
        self.records.change(first, last, |stand: &mut Stand| {
            if let Some(lock) = &mut stand.lock {
                lock.deadline_ms = deadline_ms;
            }
        });
    }
}
