//! ListGroups (key 16), versions 0–5.

use kafka_protocol::messages::ListGroupsRequest;
use protocol_tests::groups::commit_request;
use protocol_tests::{error, shared, text, Client};

/// Id, protocol type, state and type of the listed groups of this file.
fn listed(client: &mut Client, version: i16, states: &[&str], types: &[&str]) -> Vec<[String; 4]> {
    let texts = |words: &[&str]| words.iter().map(|word| text(word)).collect();
    let request = ListGroupsRequest::default().with_states_filter(texts(states)).with_types_filter(texts(types));
    let response = client.call(version, &request);
    assert_eq!(error(response.error_code), None);
    let mut groups: Vec<_> = response
        .groups
        .iter()
        .map(|group| [&*group.group_id.0, &*group.protocol_type, &*group.group_state, &*group.group_type])
        .map(|words| words.map(str::to_owned))
        .collect();
    groups.sort();
    groups
}

fn rows(rows: &[[&str; 4]]) -> Vec<[String; 4]> {
    rows.iter().map(|row| row.map(str::to_owned)).collect()
}

#[test]
fn g15_every_version_lists_groups_by_state_and_type() {
    let mut client = shared().connect();
    client.create_topic("listed", 1, &[]);
    client.join_alone("list-stable");
    client.find_coordinator("list-simple");
    client.call(8, &commit_request("list-simple", "listed", 0, 1));
    for version in 0..=5 {
        let expected = match version {
            0..=3 => [["list-simple", "", "", ""], ["list-stable", "consumer", "", ""]],
            4 => [["list-simple", "", "Empty", ""], ["list-stable", "consumer", "Stable", ""]],
            _ => [["list-simple", "", "Empty", "classic"], ["list-stable", "consumer", "Stable", "classic"]],
        };
        assert_eq!(listed(&mut client, version, &[], &[]), rows(&expected), "version {version}");
        if version >= 4 {
            assert_eq!(listed(&mut client, version, &["stable"], &[]), rows(&expected[1..]), "version {version}");
            assert_eq!(listed(&mut client, version, &["Dead", "Empty"], &[]), rows(&expected[..1]));
        }
        if version >= 5 {
            assert_eq!(listed(&mut client, version, &[], &["Classic"]), rows(&expected));
            assert_eq!(listed(&mut client, version, &[], &["consumer"]), rows(&[]));
        }
    }
}
