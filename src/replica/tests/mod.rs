mod appending;
mod kit;
