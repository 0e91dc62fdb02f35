//! Samples of the admin requests: harmless, with an element in every array.

use crate::samples::{sample, NOWHERE};
use crate::{text, topic_name};
use bytes::Bytes;
use kafka_protocol::messages::*;

/// Key, version and frame of each, in its oldest and newest version and in those where its encoding changes.
pub(crate) fn samples() -> Vec<(i16, i16, Bytes)> {
    let mut samples = acls();
    samples.extend(tokens());
    samples.extend(partitions());
    samples.extend(clients());
    samples.extend(cluster());
    samples
}

fn acls() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [1, 2, 3] {
        samples.push(sample(version, &DescribeAclsRequest::default().with_resource_name_filter(Some(text(NOWHERE)))));
        let creation = create_acls_request::AclCreation::default().with_resource_name(text(NOWHERE));
        samples.push(sample(version, &CreateAclsRequest::default().with_creations(vec![creation])));
        let filter = delete_acls_request::DeleteAclsFilter::default().with_resource_name_filter(Some(text(NOWHERE)));
        samples.push(sample(version, &DeleteAclsRequest::default().with_filters(vec![filter])));
    }
    samples
}

fn tokens() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [1, 2, 3] {
        let renewer = create_delegation_token_request::CreatableRenewers::default()
            .with_principal_type(text("User"))
            .with_principal_name(text("r"));
        let mut create = CreateDelegationTokenRequest::default().with_renewers(vec![renewer]);
        if version >= 3 {
            create = create.with_owner_principal_type(Some(text("User"))).with_owner_principal_name(Some(text("o")));
        }
        samples.push(sample(version, &create));
        let owner = describe_delegation_token_request::DescribeDelegationTokenOwner::default()
            .with_principal_type(text("User"))
            .with_principal_name(text("o"));
        samples.push(sample(version, &DescribeDelegationTokenRequest::default().with_owners(Some(vec![owner]))));
    }
    for version in [1, 2] {
        let hmac = Bytes::from_static(b"hmac");
        samples.push(sample(version, &RenewDelegationTokenRequest::default().with_hmac(hmac.clone())));
        samples.push(sample(version, &ExpireDelegationTokenRequest::default().with_hmac(hmac)));
    }
    samples
}

fn partitions() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [0, 1, 2] {
        let topic =
            elect_leaders_request::TopicPartitions::default().with_topic(topic_name(NOWHERE)).with_partitions(vec![0]);
        samples.push(sample(version, &ElectLeadersRequest::default().with_topic_partitions(Some(vec![topic]))));
    }
    for version in [0, 1] {
        let partition = alter_partition_reassignments_request::ReassignablePartition::default()
            .with_replicas(Some(vec![BrokerId(1)]));
        let topic = alter_partition_reassignments_request::ReassignableTopic::default()
            .with_name(topic_name(NOWHERE))
            .with_partitions(vec![partition]);
        samples.push(sample(version, &AlterPartitionReassignmentsRequest::default().with_topics(vec![topic])));
    }
    let topic = list_partition_reassignments_request::ListPartitionReassignmentsTopics::default()
        .with_name(topic_name(NOWHERE))
        .with_partition_indexes(vec![0]);
    samples.push(sample(0, &ListPartitionReassignmentsRequest::default().with_topics(Some(vec![topic]))));
    samples
}

fn clients() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [0, 1] {
        let component = describe_client_quotas_request::ComponentData::default()
            .with_entity_type(text("user"))
            .with_match(Some(text(NOWHERE)));
        samples.push(sample(version, &DescribeClientQuotasRequest::default().with_components(vec![component])));
        let entity = alter_client_quotas_request::EntityData::default()
            .with_entity_type(text("user"))
            .with_entity_name(Some(text(NOWHERE)));
        let operation = alter_client_quotas_request::OpData::default().with_key(text("nonsense"));
        let entry =
            alter_client_quotas_request::EntryData::default().with_entity(vec![entity]).with_ops(vec![operation]);
        let request = AlterClientQuotasRequest::default().with_entries(vec![entry]).with_validate_only(true);
        samples.push(sample(version, &request));
    }
    let user = describe_user_scram_credentials_request::UserName::default().with_name(text(NOWHERE));
    samples.push(sample(0, &DescribeUserScramCredentialsRequest::default().with_users(Some(vec![user]))));
    let deletion = alter_user_scram_credentials_request::ScramCredentialDeletion::default().with_name(text(NOWHERE));
    let upsertion = alter_user_scram_credentials_request::ScramCredentialUpsertion::default()
        .with_salt(Bytes::from_static(b"salt"))
        .with_salted_password(Bytes::from_static(b"password"));
    let request =
        AlterUserScramCredentialsRequest::default().with_deletions(vec![deletion]).with_upsertions(vec![upsertion]);
    samples.push(sample(0, &request));
    samples
}

fn cluster() -> Vec<(i16, i16, Bytes)> {
    let mut samples = Vec::new();
    for version in [0, 1, 2] {
        let mut update = update_features_request::FeatureUpdateKey::default().with_feature(text(NOWHERE));
        update.upgrade_type = 1;
        let mut request = UpdateFeaturesRequest::default().with_feature_updates(vec![update]);
        request.validate_only = version >= 1;
        samples.push(sample(version, &request));
    }
    samples.push(sample(0, &UnregisterBrokerRequest::default().with_broker_id(BrokerId(4711))));
    samples.push(sample(0, &ListConfigResourcesRequest::default()));
    samples.push(sample(1, &ListConfigResourcesRequest::default().with_resource_types(vec![16])));
    let listener = add_raft_voter_request::Listener::default().with_name(text("L")).with_host(text("h"));
    samples.push(sample(0, &AddRaftVoterRequest::default().with_listeners(vec![listener])));
    samples.push(sample(0, &RemoveRaftVoterRequest::default().with_voter_id(4711)));
    samples
}
