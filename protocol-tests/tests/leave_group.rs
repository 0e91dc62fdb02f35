//! LeaveGroup (key 13), versions 0–5.

use kafka_protocol::error::ResponseError;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::LeaveGroupRequest;
use protocol_tests::groups::{join_request, Member};
use protocol_tests::{error, group_id, shared, text};

fn identity(member_id: &str, instance: Option<&str>) -> MemberIdentity {
    MemberIdentity::default().with_member_id(text(member_id)).with_group_instance_id(instance.map(text))
}

#[test]
fn g16_every_version_lets_a_member_go() {
    let mut client = shared().connect();
    for version in 0..=5 {
        let member = client.join_alone(&format!("leave-{version}"));
        let request = LeaveGroupRequest::default().with_group_id(group_id(&member.group));
        let leave = |id: &str| match version >= 3 {
            true => request.clone().with_members(vec![identity(id, None)]),
            false => request.clone().with_member_id(text(id)),
        };
        for (id, why) in [
            ("nobody", Some(ResponseError::UnknownMemberId)),
            (&member.id, None),
            (&member.id, Some(ResponseError::UnknownMemberId)),
        ] {
            let response = client.call(version, &leave(id));
            if version >= 3 {
                assert_eq!((error(response.error_code), response.members.len()), (None, 1), "version {version}");
                assert_eq!((error(response.members[0].error_code), &*response.members[0].member_id), (why, id));
            } else {
                assert_eq!(error(response.error_code), why, "version {version}");
            }
        }
        assert_eq!(client.heartbeat(&member), Some(ResponseError::UnknownMemberId));
    }
}

#[test]
fn g16_each_member_has_its_own_answer() {
    let mut client = shared().connect();
    let group = "leave-many";
    client.find_coordinator(group);
    let joined = client.call(9, &join_request(group, "").with_group_instance_id(Some(text("i1"))));
    let member = Member { group: group.to_owned(), id: joined.member_id.to_string(), generation: joined.generation_id };
    client.sync(&member, &[(&member.id, b"a")]);
    let members = vec![
        identity("nobody", None),
        identity("", Some("i9")),
        identity("somebody-else", Some("i1")),
        identity("", Some("i1")),
    ];
    let request = LeaveGroupRequest::default().with_group_id(group_id(group)).with_members(members);
    let response = client.call(5, &request);
    assert_eq!(error(response.error_code), None);
    let answers: Vec<_> = response
        .members
        .iter()
        .map(|member| (&*member.member_id, member.group_instance_id.as_deref(), error(member.error_code)))
        .collect();
    let (unknown, fenced) = (Some(ResponseError::UnknownMemberId), Some(ResponseError::FencedInstanceId));
    assert_eq!(
        answers,
        [
            ("nobody", None, unknown),
            ("", Some("i9"), unknown),
            ("somebody-else", Some("i1"), fenced),
            ("", Some("i1"), None)
        ]
    );
    assert_eq!(client.heartbeat(&member), unknown, "it has left");
}
