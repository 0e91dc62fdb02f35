//! One handler file per API key.
