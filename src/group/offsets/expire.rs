//! Expiry of offsets, and of groups that have nothing left (G14, KIP-211).

use super::super::classic::{ClassicGroup, State};
use super::super::consumer::ConsumerGroup;
use super::super::records::CommittedOffset;
use super::super::settings::MAX_EXPIRED_PER_ROUND;
use super::super::shard::{Entry, Turn};
use super::super::Text;

/// Which instant a group's offsets are kept from.
#[derive(Clone, Copy)]
enum Since {
    /// From when the group became empty; if that is not known, from their commit.
    Empty(Option<i64>),
    /// From their commit.
    Commit,
}

impl Turn<'_> {
    /// One round: tombstones for what has expired, up to a bound; the next round is armed while there are groups.
    pub(in super::super) fn expire_offsets(&mut self) {
        let shard = self.shard;
        let mut all_seen = true;
        for (id, entry) in &shard.groups {
            if self.out.records.len() >= MAX_EXPIRED_PER_ROUND {
                all_seen = false;
                break;
            }
            if entry.share.is_some() {
                // A share group has no offsets that expire; it goes only when it is deleted, as in Kafka.
                continue;
            }
            let group = Kept::of(id, entry);
            if entry.offsets.is_empty() {
                self.bury_if_spent(id, &group);
                continue;
            }
            let Some(since) = group.since() else { continue };
            let mut all_expired = true;
            for (topic, partition, committed) in entry.offsets.iter() {
                let expires = !group.is_subscribed_to(topic)
                    && self.has_expired(since, committed)
                    && !shard.pending.has(id, topic, partition);
                if expires {
                    self.bury_offset(id, topic, partition);
                } else {
                    all_expired = false;
                }
            }
            if all_expired {
                self.bury_if_spent(id, &group);
            }
        }
        self.out.divisible = true;
        if shard.groups.is_empty() {
            self.out.soft.push(super::super::effects::Soft::ExpiryArmed(false));
        } else {
            self.arm_expiry(if all_seen { shard.settings.offsets_retention_check_interval_ms } else { 0 });
        }
    }

    /// A group without offsets, members and open transactions goes.
    fn bury_if_spent(&mut self, id: &Text, group: &Kept<'_>) {
        if group.is_empty() && !self.shard.pending.has_group(id) {
            self.bury_without_offsets(id);
        }
    }

    fn has_expired(&self, since: Since, committed: &CommittedOffset) -> bool {
        let wall_ms = self.now.wall_ms;
        if let Some(expires_ms) = committed.expire_timestamp_ms {
            return wall_ms >= expires_ms;
        }
        let from_ms = match since {
            Since::Empty(Some(empty_ms)) => empty_ms,
            _ => committed.commit_timestamp_ms,
        };
        wall_ms.saturating_sub(from_ms) >= self.shard.settings.offsets_retention_ms
    }
}

/// A group whose offsets are looked over.
enum Kept<'a> {
    Classic(Box<ClassicGroup>),
    Consumer(&'a ConsumerGroup),
}

impl<'a> Kept<'a> {
    fn of(id: &Text, entry: &'a Entry) -> Self {
        match &entry.consumer {
            Some(group) => Self::Consumer(group),
            None => Self::Classic(Box::new(entry.group(id))),
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Classic(group) => group.state == State::Empty,
            Self::Consumer(group) => group.is_empty(),
        }
    }

    fn is_subscribed_to(&self, topic: &str) -> bool {
        match self {
            Self::Classic(group) => group.is_subscribed_to(topic),
            Self::Consumer(group) => group.is_subscribed_to(topic),
        }
    }

    /// From when its offsets age; none if now they do not.
    fn since(&self) -> Option<Since> {
        match self {
            Self::Classic(group) => kept_since(group),
            // Those of topics that nobody reads any more.
            Self::Consumer(_) => Some(Since::Commit),
        }
    }
}

/// From when a classic group's offsets age; none if now they do not.
fn kept_since(group: &ClassicGroup) -> Option<Since> {
    if group.protocol_type.is_none() {
        // Only offsets: each ages by itself.
        return Some(Since::Commit);
    }
    match group.state {
        State::Empty => Some(Since::Empty(group.state_since_ms)),
        // Topics that nobody in the group reads any more.
        State::Stable if group.is_consumer_protocol() && group.subscribed.is_some() => Some(Since::Commit),
        _ => None,
    }
}
