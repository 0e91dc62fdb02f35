//! Tests of a whole node without its sockets.

mod allocations;
