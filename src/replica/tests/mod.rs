mod appending;
mod commits;
mod faults;
mod fetching;
mod flushing;
mod hosting;
pub(crate) mod kit;
mod listing;
mod parking;
