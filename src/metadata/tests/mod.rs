//! What the image, its records and its deltas promise.

mod any;
mod cache;
mod codec;
mod delta;
mod image;
