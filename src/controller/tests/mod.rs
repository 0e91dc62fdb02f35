//! What the controller decides, by golden scripts and by properties.

mod golden;
mod internal;
mod properties;

use golden::check;

#[test]
fn m11_create_topics() {
    check("create_topics.txt");
}

#[test]
fn m11_create_topics_with_settings_and_defaults() {
    check("create_topics_configs.txt");
}

#[test]
fn m11_placement_over_racks() {
    check("placement.txt");
}

#[test]
fn m12_create_partitions() {
    check("create_partitions.txt");
}

#[test]
fn m13_delete_topics() {
    check("delete_topics.txt");
}

#[test]
fn k4_k5_incremental_alter_configs() {
    check("alter_configs.txt");
}

#[test]
fn k1_k3_resources_that_can_be_configured() {
    check("config_resources.txt");
}

#[test]
fn e7_brokers_register_and_are_fenced() {
    check("brokers.txt");
}

#[test]
fn e7_brokers_leave_in_order() {
    check("controlled_shutdown.txt");
}

#[test]
fn i7_producer_ids_come_in_blocks() {
    check("producer_ids.txt");
}

#[test]
fn e5_leaders_are_elected_on_demand() {
    check("elections.txt");
}

#[test]
fn e6_partitions_are_reassigned() {
    check("reassignments.txt");
}

#[test]
fn q1_client_quotas() {
    check("client_quotas.txt");
}

#[test]
fn q3_scram_credentials() {
    check("scram.txt");
}

#[test]
fn a6_features_are_finalized() {
    check("features.txt");
}
