//! Fetch.
pub mod session;
