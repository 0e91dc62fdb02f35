//! One golden script a rule. `KLAMM_REWRITE_GOLDEN=1` rewrites the outputs in `testdata/`.

use super::script;

fn check(name: &str, written: &str) {
    let now = script::run(written);
    if std::env::var_os("KLAMM_REWRITE_GOLDEN").is_some() {
        let path = format!("{}/src/group/testdata/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        std::fs::write(path, now).expect("testdata is writable");
    } else {
        assert!(now == written, "{name}.txt differs; KLAMM_REWRITE_GOLDEN=1 rewrites it. Now:\n{now}");
    }
}

macro_rules! golden {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name), include_str!(concat!("../testdata/", stringify!($name), ".txt")));
        })*
    };
}

golden! {
    g2_invalid_group_id_and_session_timeout
    g3_member_id_required
    g4_unknown_member_and_inconsistent_protocol
    g4_group_max_size
    g5_initial_rebalance_delay
    g6_join_phase
    g6_protocol_vote
    g7_heartbeat
    g8_sync
    g8_pending_sync_expiry
    g9_rejoin
    g10_static_member
    g10_static_member_protocol_change
    g11_offset_commit
    g12_commit_to_missing_group
    g13_offset_fetch
    g14_offset_expiry
    x15_txn_offset_commit
    g15_describe_list_delete
    g15_offset_delete
    g16_leave_group
    g6_other_protocol_types
    g6_g11_restart
    g8_refused_append
    g14_topics_deleted
    g6_cooperative
    d32_n10_fenced_in_reconciliation
    n10_offsets
    n11_downgrade
    n11_downgrade_static
    n11_policy
    n11_upgrade
    n11_upgrade_parked
    n12_types
    n1_n2_requests
    n3_assignors
    n4_epochs
    n5_static_members
    n6_metadata
    n6_reconciliation
    n6_restart
    n6_timeouts
    n7_answers
    n8_regex
    n9_assignment_interval
}
