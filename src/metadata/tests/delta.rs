//! What changed between two images.

use super::any::{fold, steps};
use crate::ids::Uuid;
use crate::metadata::configs::{ConfigResource, ResourceType};
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::{MetadataImage, PartitionImage};
use crate::metadata::partition::PartitionChange;
use crate::metadata::record::MetadataRecord;
use proptest::prelude::*;
use std::collections::BTreeMap;

proptest! {
    /// A subscriber that acts on deltas alone ends up with the partitions, brokers and settings of the image.
    #[test]
    fn deltas_lead_from_one_image_to_the_next(first in steps(), then in steps()) {
        let mut old = MetadataImage::new();
        fold(&mut old, &first);
        let mut new = old.clone();
        fold(&mut new, &then);
        let mut followed: BTreeMap<(Uuid, i32), PartitionImage> = partitions(&old);
        let delta = MetadataDelta::between(&old, &new);
        for topic in delta.deleted_topics().chain(delta.changed_topics()) {
            for partition in &topic.partitions {
                prop_assert_ne!(&partition.old, &partition.new);
                let key = (topic.topic().id, partition.partition);
                prop_assert_eq!(followed.get(&key), partition.old.as_deref());
                match &partition.new {
                    Some(state) => followed.insert(key, (**state).clone()),
                    None => followed.remove(&key),
                };
            }
        }
        prop_assert_eq!(followed, partitions(&new));
        for (id, broker) in delta.changed_brokers() {
            prop_assert_eq!(broker.old.as_ref(), old.broker(id));
            prop_assert_eq!(broker.new.as_ref(), new.broker(id));
        }
        let changed = delta.changed_brokers().count();
        prop_assert_eq!(changed, (0..5).filter(|id| old.broker(*id) != new.broker(*id)).count());
        for (kind, name) in [(ResourceType::Topic, "a"), (ResourceType::Broker, ""), (ResourceType::Group, "b")] {
            let differs = old.configs().of(kind, name) != new.configs().of(kind, name);
            let told = delta.changed_configs().any(|resource| *resource == ConfigResource::new(kind, name));
            prop_assert_eq!(differs, told);
        }
        prop_assert!(MetadataDelta::between(&new, &new.clone()).is_empty());
    }
}

fn partitions(image: &MetadataImage) -> BTreeMap<(Uuid, i32), PartitionImage> {
    let of_topic = |topic: &std::sync::Arc<crate::metadata::image::TopicImage>| {
        (0..)
            .zip(topic.partitions.iter())
            .map(|(index, state)| ((topic.id, index), (**state).clone()))
            .collect::<Vec<_>>()
    };
    image.topics().flat_map(of_topic).collect()
}

#[test]
fn m13_a_topic_made_again_is_deleted_and_created() {
    let mut old = MetadataImage::new();
    let topic = |id| MetadataRecord::Topic { name: "t".to_owned(), topic_id: Uuid::from_u128(id) };
    old.apply(&topic(1)).unwrap();
    let mut new = old.clone();
    new.apply(&MetadataRecord::RemoveTopic { topic_id: Uuid::from_u128(1) }).unwrap();
    new.apply(&topic(2)).unwrap();
    let delta = MetadataDelta::between(&old, &new);
    let deleted: Vec<_> = delta.deleted_topics().map(|topic| topic.topic().id.as_u128()).collect();
    let changed: Vec<_> = delta.changed_topics().map(|topic| topic.topic().id.as_u128()).collect();
    assert_eq!((deleted, changed), (vec![1], vec![2]));
    assert!(delta.topic(&Uuid::from_u128(2)).is_some_and(|topic| topic.old.is_none()));
}

#[test]
fn m6_a_change_of_leader_raises_both_epochs() {
    let mut image = MetadataImage::new();
    let topic_id = Uuid::from_u128(1);
    image.apply(&MetadataRecord::Topic { name: "t".to_owned(), topic_id }).unwrap();
    image.apply(&MetadataRecord::Partition { topic_id, partition: 0, state: PartitionImage::default() }).unwrap();
    let before = image.clone();
    let change = |leader, isr| MetadataRecord::PartitionChange {
        topic_id,
        partition: 0,
        change: PartitionChange { leader, isr, ..PartitionChange::default() },
    };
    image.apply(&change(None, Some(vec![1]))).unwrap();
    let epochs =
        |image: &MetadataImage| image.partition("t", 0).map(|state| (state.leader_epoch, state.partition_epoch));
    assert_eq!(epochs(&image), Some((0, 1)));
    image.apply(&change(Some(1), None)).unwrap();
    assert_eq!(epochs(&image), Some((1, 2)));
    let delta = MetadataDelta::between(&before, &image);
    let changed = delta.topic(&topic_id).map(|topic| topic.partitions.len());
    assert_eq!(changed, Some(1));
}
