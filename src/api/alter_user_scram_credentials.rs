//! AlterUserScramCredentials (key 51). Versions 0–0 (KIP-554).
//!
//! Left out: logging in with them; they are kept and described.

use super::context::RequestContext;
use super::controller_calls::{outcome, submit};
use super::reply::Reply;
use super::Services;
use crate::controller::request::{ScramAlteration, ScramDeletion, ScramUpsertion};
use crate::controller::{Request, Response};
use kafka_protocol::messages::alter_user_scram_credentials_response::AlterUserScramCredentialsResult;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, AlterUserScramCredentialsResponse};
use kafka_protocol::protocol::StrBytes;
use std::collections::BTreeSet;

/// Sets credentials and takes them away, each user for itself.
pub async fn handle(
    services: &Services,
    context: &RequestContext<'_>,
    request: AlterUserScramCredentialsRequest,
) -> Reply {
    let take = |response| match response {
        Response::AlterScramCredentials(results) => Some(results),
        _ => None,
    };
    let result = |user: &str, (error, message): super::controller_calls::Refused| {
        AlterUserScramCredentialsResult::default()
            .with_user(StrBytes::from_string(user.to_owned()))
            .with_error_code(error.code())
            .with_error_message(message)
    };
    let results = match submit(services, Request::AlterScramCredentials(asked(&request)), take).await {
        Ok(answers) => answers.iter().map(|(user, answer)| result(user, outcome(answer))).collect(),
        Err(error) => users(&request).into_iter().map(|user| result(user, (error, None))).collect(),
    };
    context.responder.ready(&AlterUserScramCredentialsResponse::default().with_results(results))
}

fn users(request: &AlterUserScramCredentialsRequest) -> BTreeSet<&str> {
    let deletions = request.deletions.iter().map(|deletion| deletion.name.as_str());
    deletions.chain(request.upsertions.iter().map(|upsertion| upsertion.name.as_str())).collect()
}

fn asked(request: &AlterUserScramCredentialsRequest) -> ScramAlteration {
    let deletions = request
        .deletions
        .iter()
        .map(|deletion| ScramDeletion { user: deletion.name.to_string(), mechanism: deletion.mechanism });
    let upsertions = request.upsertions.iter().map(|upsertion| ScramUpsertion {
        user: upsertion.name.to_string(),
        mechanism: upsertion.mechanism,
        iterations: upsertion.iterations,
        salt: upsertion.salt.to_vec(),
        salted_password: upsertion.salted_password.to_vec(),
    });
    ScramAlteration { deletions: deletions.collect(), upsertions: upsertions.collect() }
}
