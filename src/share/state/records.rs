//! The shard's records as Kafka's own bytes, and back.

use crate::record::internal::share_state::{Key, SnapshotValue, UpdateValue};
use crate::record::internal::FieldError;
use crate::share::ShareName;

/// One record of `__share_group_state`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// All there is to say of a share-partition; without a value it is gone.
    Snapshot(ShareName, Option<SnapshotValue>),
    /// What has changed of it since.
    Update(ShareName, UpdateValue),
}

impl Record {
    pub(super) fn encode(&self) -> Result<(Vec<u8>, Option<Vec<u8>>), FieldError> {
        match self {
            Self::Snapshot(name, value) => {
                let value = value.as_ref().map(SnapshotValue::encode).transpose()?;
                Ok((Key::Snapshot(name.stored()).encode()?, value))
            }
            Self::Update(name, value) => Ok((Key::Update(name.stored()).encode()?, Some(value.encode()?))),
        }
    }

    pub(super) fn decode(key: &[u8], value: Option<&[u8]>) -> Result<Option<Self>, FieldError> {
        Ok(match (Key::decode(key)?, value) {
            (Key::Snapshot(name), value) => {
                Some(Self::Snapshot(name.into(), value.map(SnapshotValue::decode).transpose()?))
            }
            (Key::Update(name), Some(value)) => Some(Self::Update(name.into(), UpdateValue::decode(value)?)),
            (Key::Update(_), None) | (Key::Unknown(_), _) => None,
        })
    }
}
