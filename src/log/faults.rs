//! What I/O errors do to a log directory.

use super::dir::{DirState, LogDir};
use super::error::{kv_severity, severity, LogError, Severity};
use super::keys::INDEX_IS_CORRUPT;
use crate::kv::{Batch, Family, KvError};
use std::io;
use std::sync::atomic::{AtomicU8, Ordering};

const ONLINE: u8 = 0;
const FULL: u8 = 1;
const OFFLINE: u8 = 2;

/// How a directory's disk fares. Offline is for good.
#[derive(Default)]
pub(super) struct Health(AtomicU8);

impl Health {
    pub fn state(&self) -> DirState {
        match self.0.load(Ordering::Acquire) {
            ONLINE => DirState::Online,
            FULL => DirState::Full,
            _ => DirState::Offline,
        }
    }

    /// Online and full change into each other; offline stays. Whether it has changed.
    fn set(&self, state: u8) -> bool {
        let keep_offline = |before| (before != OFFLINE && before != state).then_some(state);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, keep_offline).is_ok()
    }
}

impl LogDir {
    /// Refuses to go on in a directory that is offline.
    pub(super) fn check_online(&self) -> Result<(), LogError> {
        match self.state() {
            DirState::Offline => Err(LogError::Offline(format!("{} failed before", self.path().display()))),
            _ => Ok(()),
        }
    }

    /// A write succeeded: there is room again.
    pub(super) fn write_succeeded(&self) {
        if self.state() == DirState::Full && self.health.set(ONLINE) {
            tracing::info!("Room again in log directory {}: writes go on", self.path().display());
        }
    }

    /// What a failed write, rename or truncation means.
    pub(super) fn write_failed(&self, error: &io::Error) -> LogError {
        self.failed(severity(error), error)
    }

    /// A failed sync may have dropped the bytes it was to save, whatever the reason: never try again as if clean.
    pub(super) fn sync_failed(&self, error: &io::Error) -> LogError {
        self.failed(Severity::Fatal, error)
    }

    /// A failed read fails its reader only: other sectors may still be good.
    pub(super) fn read_failed(&self, error: &io::Error) -> LogError {
        LogError::Passing(format!("{}: {error}", self.path().display()))
    }

    /// What a failure of the index database means. A corrupt one is marked, so that the next start makes it anew from the
    /// segments: it may be read wrongly in the place where it was damaged only.
    pub(super) fn kv_failed(&self, error: &KvError) -> LogError {
        if let (KvError::Corrupt(_), false) = (error, self.state() == DirState::Offline) {
            let path = self.path().display();
            match self.disk.replace(&self.path().join(INDEX_IS_CORRUPT), &[]) {
                Ok(()) => tracing::error!("the index database of {path} is rebuilt at the next start: {error}"),
                Err(failed) => {
                    tracing::error!("delete the index database of {path}, it is corrupt ({failed}): {error}")
                }
            }
        }
        self.failed(kv_severity(error), error)
    }

    /// Adds the removal of the keys in `from..to` if there is any: a range tombstone for nothing slows later reads.
    pub(super) fn delete_range(
        &self,
        batch: &mut Batch,
        family: Family,
        from: Vec<u8>,
        to: Vec<u8>,
    ) -> Result<(), LogError> {
        if self.index.floor(family, &from, &to).map_err(|error| self.kv_failed(&error))?.is_some() {
            batch.delete_range(family, from, to);
        }
        Ok(())
    }

    fn failed(&self, severity: Severity, error: &dyn std::fmt::Display) -> LogError {
        match severity {
            Severity::Passing => LogError::Passing(error.to_string()),
            Severity::Full => {
                if self.health.set(FULL) {
                    let path = self.path().display();
                    tracing::error!(
                        "No space left in log directory {path}: writes are refused until there is ({error})"
                    );
                }
                LogError::Full
            }
            Severity::Fatal => {
                tracing::error!(path = %self.path().display(), %error, "log directory goes offline");
                self.health.set(OFFLINE);
                LogError::Offline(error.to_string())
            }
        }
    }
}
