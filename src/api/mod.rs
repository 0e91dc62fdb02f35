//! One handler file per API key.

pub mod error;
pub mod fetch;
pub mod reply;
