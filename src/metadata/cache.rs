//! The image that this node acts on, published as one value.

use super::delta::MetadataDelta;
use super::image::MetadataImage;
use arc_swap::ArcSwap;
use parking_lot::Mutex;
use std::sync::Arc;

/// Is told what changed and the image that it changed to. Must be idempotent, and must neither wait nor publish.
pub type Subscriber = Box<dyn Fn(&MetadataDelta, &Arc<MetadataImage>) + Send + Sync>;

/// The current image. Reading it is lock-free.
pub struct MetadataCache {
    current: ArcSwap<MetadataImage>,
    /// Guards the order of publications: swap and telling are one step, so subscribers see deltas in order.
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Default for MetadataCache {
    fn default() -> Self {
        Self::new()
    }
}

impl MetadataCache {
    /// A cache that holds the empty image and has no subscribers.
    pub fn new() -> Self {
        Self { current: ArcSwap::from_pointee(MetadataImage::new()), subscribers: Mutex::new(Vec::new()) }
    }

    /// The image of now. Take it once per request: two calls may give two images.
    pub fn current(&self) -> Arc<MetadataImage> {
        self.current.load_full()
    }

    /// Adds a subscriber behind those there are, and at once tells it the current image as a change from the empty one.
    pub fn subscribe(&self, subscriber: Subscriber) {
        let mut subscribers = self.subscribers.lock();
        let image = self.current();
        subscriber(&MetadataDelta::between(&MetadataImage::new(), &image), &image);
        subscribers.push(subscriber);
    }

    /// Makes `image` the current one, then tells every subscriber, in the order in which they subscribed.
    /// `delta` is what changed since the image published before.
    pub fn publish(&self, image: Arc<MetadataImage>, delta: &MetadataDelta) {
        let subscribers = self.subscribers.lock();
        self.current.store(image.clone());
        for subscriber in subscribers.iter() {
            subscriber(delta, &image);
        }
    }
}
