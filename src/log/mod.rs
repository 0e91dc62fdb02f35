//! One partition on one disk: segments, index, recovery, producer state, leader epochs, retention.
