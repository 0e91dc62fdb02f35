//! One handler file per API key.

pub mod reply;
