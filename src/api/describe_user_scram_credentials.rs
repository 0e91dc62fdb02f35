//! DescribeUserScramCredentials (key 50). Versions 0–0 (KIP-554).
//!
//! Answers with mechanisms and iterations; no salt and no key ever leaves the node.

use super::context::RequestContext;
use super::error::ErrorCode;
use super::reply::Reply;
use super::Services;
use crate::metadata::image::ScramImage;
use kafka_protocol::messages::describe_user_scram_credentials_response::{
    CredentialInfo, DescribeUserScramCredentialsResult,
};
use kafka_protocol::messages::{DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeMap;

/// Answers with what users have credentials for: those asked for, or all.
pub fn handle(
    services: &Services,
    context: &RequestContext<'_>,
    request: DescribeUserScramCredentialsRequest,
) -> Reply {
    let image = services.metadata.current();
    let scram = image.scram();
    // How often each user is asked for.
    let mut users: BTreeMap<&str, usize> = BTreeMap::new();
    match request.users.as_ref().filter(|users| !users.is_empty()) {
        Some(asked) => asked.iter().for_each(|user| *users.entry(user.name.as_str()).or_default() += 1),
        None => scram.iter().for_each(|(user, _, _)| {
            users.insert(user, 1);
        }),
    }
    let results = users.into_iter().map(|(user, times)| described(scram, user, times)).collect();
    context.responder.ready(&DescribeUserScramCredentialsResponse::default().with_results(results))
}

fn described(scram: &ScramImage, user: &str, times: usize) -> DescribeUserScramCredentialsResult {
    let result = DescribeUserScramCredentialsResult::default().with_user(StrBytes::from_string(user.to_owned()));
    let refuse = |result: DescribeUserScramCredentialsResult, error: ErrorCode, why: &str| {
        let message = StrBytes::from_string(format!("{why}: {user}"));
        result.with_error_code(error.code()).with_error_message(Some(message))
    };
    if times > 1 {
        let why = "Cannot describe SCRAM credentials for the same user twice in a single request";
        return refuse(result, ErrorCode::DuplicateResource, why);
    }
    let infos: Vec<_> = scram
        .of_user(user)
        .map(|(mechanism, credential)| {
            CredentialInfo::default().with_mechanism(mechanism.code()).with_iterations(credential.iterations)
        })
        .collect();
    if infos.is_empty() {
        let why = "Attempt to describe a user credential that does not exist";
        return refuse(result, ErrorCode::ResourceNotFound, why);
    }
    result.with_credential_infos(infos)
}
