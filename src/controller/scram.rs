//! SCRAM credentials of users (AlterUserScramCredentials, KIP-554).
//!
//! Clients send the salted password; what is recorded are the two keys that RFC 5802 derives from it, as in Kafka.

use super::request::{ScramAlteration, ScramDeletion, ScramUpsertion};
use super::{Controller, Draft, Refusal};
use crate::metadata::image::MetadataImage;
use crate::metadata::record::MetadataRecord;
use crate::metadata::scram::{ScramCredential, ScramMechanism};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};
use std::collections::BTreeMap;

/// Fewer iterations make a password easy to guess; the least of both mechanisms.
const MIN_ITERATIONS: i32 = 4096;
/// More iterations would let a client keep a broker busy.
const MAX_ITERATIONS: i32 = 16384;

impl Controller {
    /// Sets and deletes credentials, each for itself, but a user only once. Answers by user, once each.
    pub(super) fn alter_scram_credentials(
        &self,
        draft: &mut Draft,
        request: &ScramAlteration,
    ) -> Vec<(String, Result<(), Refusal>)> {
        let mut answers: BTreeMap<&str, Result<MetadataRecord, Refusal>> = BTreeMap::new();
        let mut judge = |user, record: Result<MetadataRecord, Refusal>| {
            let twice = || {
                Refusal::DuplicateResource("A user credential cannot be altered twice in the same request".to_owned())
            };
            answers.entry(user).and_modify(|answer| *answer = Err(twice())).or_insert(record);
        };
        for deletion in &request.deletions {
            judge(deletion.user.as_str(), deleted(&draft.image, deletion));
        }
        for upsertion in &request.upsertions {
            judge(upsertion.user.as_str(), upserted(upsertion));
        }
        let answers =
            answers.into_iter().map(|(user, record)| (user.to_owned(), record.map(|record| draft.push(record))));
        answers.collect()
    }
}

fn mechanism_of(user: &str, mechanism: i8) -> Result<ScramMechanism, Refusal> {
    if user.is_empty() {
        return Err(Refusal::UnacceptableCredential("Username must not be empty".to_owned()));
    }
    ScramMechanism::from_code(mechanism)
        .ok_or_else(|| Refusal::UnsupportedSaslMechanism("Unknown SCRAM mechanism".to_owned()))
}

fn deleted(image: &MetadataImage, deletion: &ScramDeletion) -> Result<MetadataRecord, Refusal> {
    let mechanism = mechanism_of(&deletion.user, deletion.mechanism)?;
    if image.scram().of(&deletion.user, mechanism).is_none() {
        return Err(Refusal::ResourceNotFound("Attempt to delete a user credential that does not exist".to_owned()));
    }
    Ok(MetadataRecord::UserScramCredential { user: deletion.user.clone(), mechanism, credential: None })
}

fn upserted(upsertion: &ScramUpsertion) -> Result<MetadataRecord, Refusal> {
    let mechanism = mechanism_of(&upsertion.user, upsertion.mechanism)?;
    let unacceptable = |why: &str| Err(Refusal::UnacceptableCredential(why.to_owned()));
    if upsertion.iterations > MAX_ITERATIONS {
        return unacceptable("Too many iterations");
    }
    if upsertion.iterations < MIN_ITERATIONS {
        return unacceptable("Too few iterations");
    }
    let (stored_key, server_key) = match mechanism {
        ScramMechanism::Sha256 => {
            let key = |what| authenticated::<Hmac<Sha256>>(&upsertion.salted_password, what);
            (Sha256::digest(key("Client Key")).to_vec(), key("Server Key"))
        }
        ScramMechanism::Sha512 => {
            let key = |what| authenticated::<Hmac<Sha512>>(&upsertion.salted_password, what);
            (Sha512::digest(key("Client Key")).to_vec(), key("Server Key"))
        }
    };
    let (salt, iterations) = (upsertion.salt.clone(), upsertion.iterations);
    let credential = Some(ScramCredential { salt, stored_key, server_key, iterations });
    Ok(MetadataRecord::UserScramCredential { user: upsertion.user.clone(), mechanism, credential })
}

/// The HMAC of `what` under a salted password.
fn authenticated<M: Mac + hmac::digest::KeyInit>(salted_password: &[u8], what: &str) -> Vec<u8> {
    let mut mac = <M as Mac>::new_from_slice(salted_password).expect("an HMAC takes keys of any length");
    mac.update(what.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
