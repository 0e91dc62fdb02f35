//! DescribeUserScramCredentials (key 50), version 0.

use bytes::Bytes;
use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::alter_user_scram_credentials_request::ScramCredentialUpsertion;
use kafka_protocol::messages::describe_user_scram_credentials_request::UserName;
use kafka_protocol::messages::{AlterUserScramCredentialsRequest, DescribeUserScramCredentialsRequest};
use protocol_tests::{error, shared, text};

#[test]
fn q3_users_are_described_once_each() {
    let mut client = shared().connect();
    let upsertion = ScramCredentialUpsertion::default()
        .with_name(text("u"))
        .with_mechanism(1)
        .with_iterations(4096)
        .with_salt(Bytes::from_static(b"salt"))
        .with_salted_password(Bytes::from_static(b"salted password"));
    let alter = AlterUserScramCredentialsRequest::default().with_upsertions(vec![upsertion]);
    assert_eq!(error(client.call(0, &alter).results[0].error_code), None);
    let mut describe = |users: Option<&[&str]>| {
        let users = users.map(|users| users.iter().map(|user| UserName::default().with_name(text(user))).collect());
        let response = client.call(0, &DescribeUserScramCredentialsRequest::default().with_users(users));
        assert_eq!(error(response.error_code), None);
        let mut results: Vec<_> = response
            .results
            .iter()
            .map(|result| (result.user.to_string(), error(result.error_code), result.credential_infos.len()))
            .collect();
        results.sort_by_key(|(user, ..)| user.clone());
        results
    };
    let known = || ("u".to_owned(), None, 1);
    assert_eq!(describe(None), [known()]);
    assert_eq!(describe(Some(&[])), [known()]);
    let unknown = ("nobody".to_owned(), Some(ResponseError::ResourceNotFound), 0);
    assert_eq!(describe(Some(&["u", "nobody"])), [unknown, known()]);
    assert_eq!(describe(Some(&["u", "u"])), [("u".to_owned(), Some(ResponseError::DuplicateResource), 0)]);
}
