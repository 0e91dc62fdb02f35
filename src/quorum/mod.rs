//! The metadata quorum on raft-rs: driver, store, transport, snapshots, handle.
