//! What a group reads, and when its epoch rises for it (N6).

use super::super::effects::Soft;
use super::super::shard::Turn;
use super::super::Text;
use super::member::{Member, Profile};
use super::records::{ConsumerRecord, GroupEpoch};
use super::refusal::Refusal;
use super::state::ConsumerGroup;
use super::working::Draft;
use crate::ids::Uuid;
use crate::metadata::image::MetadataImage;
use std::collections::BTreeSet;

/// What a new profile changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionChange {
    /// The member subscribes to something else than before.
    pub of_member: bool,
    /// The topics that the group reads, or whose they are, may be others.
    pub of_group: bool,
}

impl Turn<'_> {
    /// Stores what a member now says of itself, and resolves its expression if it is new.
    pub(super) fn update_profile(
        &mut self,
        draft: &mut Draft,
        before: &Member,
        profile: Profile,
    ) -> Result<SubscriptionChange, Refusal> {
        let names_changed = profile.topics != before.profile.topics;
        let regex = profile.regex().cloned();
        let (was, is) = (before.profile.regex(), regex.as_ref());
        let regex_changed = was != is;
        if regex_changed && is.is_some_and(|regex| draft.group.subscribers_by(regex) == 0) {
            super::regex::validate(is.map_or("", |regex| regex))?;
        }
        if profile != before.profile || draft.group.member(&before.id).is_none() {
            self.write(draft, ConsumerRecord::Profile { member: before.id.clone(), value: Some(profile) });
        }
        if let Some(was) = was.filter(|_| regex_changed) {
            self.forget_regex(draft, was);
        }
        let matches_changed = self.resolve_regexes(draft);
        Ok(SubscriptionChange {
            of_member: names_changed || regex_changed,
            of_group: names_changed || regex_changed || matches_changed,
        })
    }

    /// Raises the group's epoch if its subscriptions changed, or the metadata of a topic in them did.
    pub(super) fn raise_epoch_if_changed(&mut self, draft: &mut Draft, changed: bool) {
        let shard = self.shard;
        let checked = shard.groups.get(&draft.id).and_then(|entry| entry.topics_checked_at);
        if !changed && checked == Some(shard.topics_changed_at) {
            return;
        }
        let metadata_hash = metadata_hash(&shard.image, &draft.group);
        if changed || metadata_hash != draft.group.metadata_hash {
            self.raise_epoch(draft, metadata_hash);
        }
        self.out.soft.push(Soft::TopicsChecked { group: draft.id.clone(), at: shard.topics_changed_at });
    }

    /// The next epoch.
    pub(super) fn raise_epoch(&mut self, draft: &mut Draft, metadata_hash: i64) {
        let epoch = draft.group.epoch.saturating_add(1);
        self.write(draft, ConsumerRecord::Epoch(Some(GroupEpoch { epoch, metadata_hash })));
        if draft.group.has_legacy_metadata {
            self.write(draft, ConsumerRecord::LegacyMetadata(None));
        }
        tracing::info!("[GroupId {}] Bumped group epoch to {epoch}.", draft.id);
    }
}

/// A hash of name, id and size of every topic that a group reads and that exists; 0 if there is none. FNV-1a, 64 bits.
/// Kafka hashes otherwise, and the racks of replicas too, which no assignor looks at; so a group that comes over from it
/// is assigned anew once, which changes nothing if its assignment is right.
pub(super) fn metadata_hash(image: &MetadataImage, group: &ConsumerGroup) -> i64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = OFFSET_BASIS;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        }
    };
    let mut any = false;
    for topic in group.subscribed_topics().into_iter().filter_map(|name| image.topic_by_name(name)) {
        any = true;
        take(topic.name.as_bytes());
        take(topic.id.as_bytes());
        take(&topic.partition_count().to_be_bytes());
    }
    match any {
        true => i64::from_ne_bytes(hash.to_ne_bytes()),
        false => 0,
    }
}

/// The ids of topics that exist.
pub(super) fn topic_ids<'a>(image: &MetadataImage, names: impl IntoIterator<Item = &'a Text>) -> BTreeSet<Uuid> {
    names.into_iter().filter_map(|name| image.topic_by_name(name)).map(|topic| topic.id).collect()
}
