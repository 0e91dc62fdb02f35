//! SCRAM credentials, as RFC 5802 has a server keep them: keys from which no password can be told.

use imbl::OrdMap;
use std::sync::Arc;

/// A SCRAM mechanism. The numbers are Kafka's, on the wire and in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramMechanism {
    /// `SCRAM-SHA-256`.
    Sha256,
    /// `SCRAM-SHA-512`.
    Sha512,
}

impl ScramMechanism {
    /// Kafka's number.
    pub const fn code(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    /// The mechanism with Kafka's number `code`.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            1 => Some(Self::Sha256),
            2 => Some(Self::Sha512),
            _ => None,
        }
    }
}

/// What a server knows of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramCredential {
    /// The salt that the client chose.
    pub salt: Vec<u8>,
    /// The hash of the client's key.
    pub stored_key: Vec<u8>,
    /// With it the server proves that it knows the password's hash.
    pub server_key: Vec<u8>,
    /// How often the hash was applied to the password.
    pub iterations: i32,
}

/// All credentials, by user and mechanism.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScramImage {
    pub(super) credentials: OrdMap<(Arc<str>, ScramMechanism), Arc<ScramCredential>>,
}

impl ScramImage {
    /// The credential of `user` for `mechanism`.
    pub fn of(&self, user: &str, mechanism: ScramMechanism) -> Option<&Arc<ScramCredential>> {
        self.credentials.get(&(user.into(), mechanism))
    }

    /// What `user` has credentials for.
    pub fn of_user(&self, user: &str) -> impl Iterator<Item = (ScramMechanism, &Arc<ScramCredential>)> {
        let both = [ScramMechanism::Sha256, ScramMechanism::Sha512];
        both.map(|mechanism| (mechanism, self.of(user, mechanism)))
            .into_iter()
            .filter_map(|(mechanism, found)| Some((mechanism, found?)))
    }

    /// Every credential, by user and mechanism.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, ScramMechanism, &Arc<ScramCredential>)> {
        self.credentials.iter().map(|((user, mechanism), credential)| (user, *mechanism, credential))
    }

    /// Sets a credential, or takes it away (`None`).
    pub(super) fn set(&mut self, user: &str, mechanism: ScramMechanism, credential: Option<&ScramCredential>) {
        let key = (user.into(), mechanism);
        match credential {
            Some(credential) => self.credentials.insert(key, Arc::new(credential.clone())),
            None => self.credentials.remove(&key),
        };
    }
}
