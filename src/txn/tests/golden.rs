//! One golden script a rule. `KLAMM_REWRITE_GOLDEN=1` rewrites the outputs in `testdata/`.

use super::script;

fn check(name: &str, written: &str) {
    let now = script::run(written);
    if std::env::var_os("KLAMM_REWRITE_GOLDEN").is_some() {
        let path = format!("{}/src/txn/testdata/{name}.txt", env!("CARGO_MANIFEST_DIR"));
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
    x1_requests_refused
    x3_init_producer_id
    x3_epochs_used_up
    x4_init_with_id_and_epoch
    x5_add_partitions
    x6_verify_partitions
    x8_end_with_growing_epochs
    x8_last_epoch
    x9_end_with_one_epoch
    x10_markers
    x10_restart
    x13_timeouts
    x14_expiry
    x2_describe_and_list
}
