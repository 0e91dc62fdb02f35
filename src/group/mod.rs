//! Group state machines as pure shards.
