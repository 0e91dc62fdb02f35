//! Tests of the whole room; what one file does alone is tested beside it.

mod documented;
mod kafka;
mod load;
mod storage;
mod tables;
