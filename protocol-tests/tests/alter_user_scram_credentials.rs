//! AlterUserScramCredentials (key 51), version 0.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_user_scram_credentials_request::{
    ScramCredentialDeletion, ScramCredentialUpsertion,
};
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, DescribeUserScramCredentialsRequest};
use protocol_tests::{error, text, Broker, Client};

fn upsertion(user: &str, mechanism: i8, iterations: i32) -> ScramCredentialUpsertion {
    ScramCredentialUpsertion::default()
        .with_name(text(user))
        .with_mechanism(mechanism)
        .with_iterations(iterations)
        .with_salt(Bytes::from_static(b"salt"))
        .with_salted_password(Bytes::from_static(b"salted password"))
}

fn deletion(user: &str, mechanism: i8) -> ScramCredentialDeletion {
    ScramCredentialDeletion::default().with_name(text(user)).with_mechanism(mechanism)
}

fn ask(
    client: &mut Client,
    deletions: Vec<ScramCredentialDeletion>,
    upsertions: Vec<ScramCredentialUpsertion>,
) -> Vec<(String, Option<ResponseError>)> {
    let request = AlterUserScramCredentialsRequest::default().with_deletions(deletions).with_upsertions(upsertions);
    let response = client.call(0, &request);
    response.results.iter().map(|result| (result.user.to_string(), error(result.error_code))).collect()
}

fn users(client: &mut Client) -> Vec<(String, Vec<(i8, i32)>)> {
    let response = client.call(0, &DescribeUserScramCredentialsRequest::default());
    let infos = response.results.iter().map(|result| {
        let infos = result.credential_infos.iter().map(|info| (info.mechanism, info.iterations));
        (result.user.to_string(), infos.collect())
    });
    infos.collect()
}

#[test]
fn q3_credentials_are_set_and_taken_away_and_outlive_a_restart() {
    let mut broker = Broker::start();
    let mut client = broker.connect();
    let fine = |user: &str| vec![(user.to_owned(), None)];
    assert_eq!(ask(&mut client, vec![], vec![upsertion("u", 1, 4096)]), fine("u"));
    assert_eq!(ask(&mut client, vec![], vec![upsertion("u", 2, 16384)]), fine("u"));
    let expected = [("u".to_owned(), vec![(1, 4096), (2, 16384)])];
    assert_eq!(users(&mut client), expected);
    broker.kill_and_restart();
    client = broker.connect();
    assert_eq!(users(&mut client), expected);
    assert_eq!(ask(&mut client, vec![deletion("u", 1)], vec![]), fine("u"));
    assert_eq!(users(&mut client), [("u".to_owned(), vec![(2, 16384)])]);
}

#[test]
fn q3_each_user_is_altered_once_and_for_itself() {
    let broker = Broker::start();
    let mut client = broker.connect();
    let deletions = vec![deletion("absent", 1), deletion("twice", 2)];
    let upsertions = vec![
        upsertion("twice", 1, 4096),
        upsertion("few", 1, 4095),
        upsertion("many", 2, 16385),
        upsertion("other", 3, 4096),
        upsertion("", 1, 4096),
        upsertion("good", 2, 4096),
    ];
    let mut answers = ask(&mut client, deletions, upsertions);
    answers.sort_by_key(|(user, _)| user.clone());
    let expected = [
        ("", Some(ResponseError::UnacceptableCredential)),
        ("absent", Some(ResponseError::ResourceNotFound)),
        ("few", Some(ResponseError::UnacceptableCredential)),
        ("good", None),
        ("many", Some(ResponseError::UnacceptableCredential)),
        ("other", Some(ResponseError::UnsupportedSaslMechanism)),
        ("twice", Some(ResponseError::DuplicateResource)),
    ];
    assert_eq!(answers, expected.map(|(user, error)| (user.to_owned(), error)));
    assert_eq!(users(&mut client), [("good".to_owned(), vec![(2, 4096)])]);
}
