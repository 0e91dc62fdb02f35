//! Publishing.

use crate::ids::Uuid;
use crate::metadata::cache::MetadataCache;
use crate::metadata::delta::MetadataDelta;
use crate::metadata::image::MetadataImage;
use crate::metadata::record::MetadataRecord;
use parking_lot::Mutex;
use std::sync::Arc;

fn with_topic(image: &MetadataImage, name: &str, id: u128) -> Arc<MetadataImage> {
    let mut image = image.clone();
    image.apply(&MetadataRecord::Topic { name: name.to_owned(), topic_id: Uuid::from_u128(id) }).unwrap();
    Arc::new(image)
}

#[test]
fn subscribers_are_told_in_order_after_the_swap() {
    let cache = Arc::new(MetadataCache::new());
    let told = Arc::new(Mutex::new(Vec::new()));
    for number in 1..=3 {
        let (told, cache_seen) = (told.clone(), cache.clone());
        cache.subscribe(Box::new(move |delta, image| {
            assert!(Arc::ptr_eq(&cache_seen.current(), image), "the image is current before anybody hears of it");
            told.lock().push((number, delta.changed_topics().count()));
        }));
    }
    let image = with_topic(&cache.current(), "t", 1);
    let delta = MetadataDelta::between(&cache.current(), &image);
    cache.publish(image, &delta);
    assert_eq!(*told.lock(), [(1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (3, 1)]);
}

#[test]
fn a_late_subscriber_hears_of_what_there_is() {
    let cache = MetadataCache::new();
    let image = with_topic(&cache.current(), "t", 1);
    cache.publish(image.clone(), &MetadataDelta::between(&cache.current(), &image));
    let told = Arc::new(Mutex::new(Vec::new()));
    let names = told.clone();
    cache.subscribe(Box::new(move |delta, _| {
        names.lock().extend(delta.changed_topics().map(|topic| topic.topic().name.to_string()));
    }));
    assert_eq!(*told.lock(), ["t"]);
}
