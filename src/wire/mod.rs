//! Bytes on the wire: frames, API versions, the walk over a request before it is decoded, and answers that carry record
//! bytes by reference.
//!
//! Absent from here: sockets (`server/`), what a request means (`api/`), where segment files lie (`log/`).

pub mod buffers;
pub mod frame;
pub mod response;
pub mod scatter;
pub mod shape;
pub mod throttle;
pub mod versions;

pub use buffers::Buffers;
pub use response::{EncodeError, Response};
pub use scatter::{Piece, Scatter};
