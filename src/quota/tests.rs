//! What a quota makes of rates, in Kafka's figures.

use super::rate::{Rate, Windows};
use super::*;
use crate::metadata::quotas::{EntityName, QuotaEntity, QuotaValue};
use crate::metadata::record::MetadataRecord;

fn at(mono_ms: i64) -> Now {
    Now { mono_ms, ..Now::default() }
}

fn name(name: Option<&str>) -> Option<EntityName> {
    Some(EntityName::from_option(name))
}

fn entity(user: Option<EntityName>, client_id: Option<EntityName>, ip: Option<EntityName>) -> QuotaEntity {
    QuotaEntity { user, client_id, ip }
}

fn quotas(set: &[(QuotaEntity, &str, f64)]) -> Arc<ClientQuotas> {
    let quotas = ClientQuotas::new(QuotaSettings::default());
    let mut image = MetadataImage::new();
    for (entity, key, value) in set {
        let (entity, key, value) = (entity.clone(), (*key).to_owned(), Some(QuotaValue(*value)));
        image.apply(&MetadataRecord::ClientQuota { entity, key, value }).unwrap();
    }
    quotas.on_metadata(&MetadataDelta::between(&MetadataImage::new(), &image), &image);
    quotas
}

const ME: Client<'_> = Client { user: "u", client_id: "c" };

#[test]
fn q2_the_delay_brings_the_rate_back_to_the_limit() {
    let windows = Windows::default();
    let mut rate = Rate::default();
    // Ten windows are taken as given: 1000 a second may send 10,000 at once.
    rate.record(10_000.0, windows, 0);
    assert_eq!(rate.throttle_ms(1000.0, windows, 0), 0);
    rate.record(1_000.0, windows, 0);
    assert_eq!(rate.throttle_ms(1000.0, windows, 0), 1_000);
    assert_eq!(
        rate.throttle_ms(1000.0, windows, 999),
        1,
        "who waited that long has waited enough but for the rounding"
    );
    // Eleven seconds on the window of the burst is forgotten.
    assert_eq!(rate.throttle_ms(1000.0, windows, 11_000), 0);
    rate.record(5.0, windows, 11_000);
    assert_eq!(rate.throttle_ms(1.0, windows, 11_000), 0);
    assert!(rate.is_idle(windows, 22_000) && !rate.is_idle(windows, 21_999));
}

#[test]
fn q2_who_keeps_to_the_delays_keeps_to_the_limit() {
    let windows = Windows::default();
    let mut rate = Rate::default();
    let (mut now_ms, mut sent) = (0_i64, 0.0);
    while now_ms < 300_000 {
        rate.record(3_000.0, windows, now_ms);
        sent += 3_000.0;
        now_ms += i64::from(rate.throttle_ms(1000.0, windows, now_ms)).max(1);
    }
    let average = sent * 1000.0 / now_ms as f64;
    assert!((1000.0..1100.0).contains(&average), "{average} a second over five minutes");
}

#[test]
fn q1_the_most_exact_name_wins() {
    let all = [
        entity(name(Some("u")), name(Some("c")), None),
        entity(name(Some("u")), name(None), None),
        entity(name(Some("u")), None, None),
        entity(name(None), name(Some("c")), None),
        entity(name(None), name(None), None),
        entity(name(None), None, None),
        entity(None, name(Some("c")), None),
        entity(None, name(None), None),
    ];
    for from in 0..all.len() {
        let set: Vec<_> =
            all.iter().zip(1..).skip(from).map(|(e, n)| (e.clone(), "consumer_byte_rate", f64::from(n))).collect();
        let quotas = quotas(&set);
        let expected = (from + 1) as f64 * 10.0;
        assert_eq!(quotas.most_at_once(Kind::Fetch, ME), Some(expected), "without the first {from}");
        assert_eq!(quotas.most_at_once(Kind::Produce, ME), None);
    }
}

#[test]
fn q1_a_users_clients_share_the_users_quota_and_others_do_not() {
    let quotas = quotas(&[(entity(name(None), None, None), "producer_byte_rate", 100.0)]);
    let other_client = Client { client_id: "d", ..ME };
    let other_user = Client { user: "v", ..ME };
    assert_eq!(quotas.record(Kind::Produce, ME, 1000.0, at(0)), 0);
    assert_eq!(quotas.record(Kind::Produce, other_user, 1000.0, at(0)), 0);
    assert_eq!(quotas.record(Kind::Produce, other_client, 100.0, at(0)), 1000);
    quotas.take_back(Kind::Produce, other_client, 100.0);
    assert_eq!(quotas.record(Kind::Produce, ME, 50.0, at(0)), 500);
    assert_eq!(quotas.record(Kind::Fetch, ME, 1e9, at(0)), 0, "no such quota");
}

#[test]
fn q1_quotas_that_are_taken_away_leave_nothing_behind() {
    let quotas = quotas(&[(entity(name(Some("u")), None, None), "request_percentage", 1.0)]);
    assert_eq!(quotas.record(Kind::Request, ME, 1e6, at(0)), 11_000, "bounded by the measure");
    let mut old = MetadataImage::new();
    let removal = MetadataRecord::ClientQuota {
        entity: entity(name(Some("u")), None, None),
        key: "request_percentage".to_owned(),
        value: Some(QuotaValue(1.0)),
    };
    old.apply(&removal).unwrap();
    let none = MetadataImage::new();
    quotas.on_metadata(&MetadataDelta::between(&old, &none), &none);
    assert!(!quotas.is_active(Kind::Request));
    assert_eq!(quotas.record(Kind::Request, ME, 1e6, at(1)), 0);
}

#[test]
fn q2_mutations_are_paid_from_a_bucket() {
    let quotas = quotas(&[(entity(name(Some("u")), None, None), "controller_mutation_rate", 2.0)]);
    // 11 windows of a second hold 22; one payment may overdraw.
    assert_eq!(quotas.pay_mutations(ME, 20.0, true, at(0)), Ok(()));
    assert_eq!(quotas.pay_mutations(ME, 10.0, true, at(0)), Ok(()));
    assert_eq!(quotas.pay_mutations(ME, 1.0, true, at(0)), Err(4_000));
    assert_eq!(quotas.pay_mutations(ME, 2.0, false, at(0)), Ok(()), "older clients pay and wait");
    assert_eq!(quotas.settle_mutations(ME, 0.0, at(0)), 5_000);
    assert_eq!(quotas.settle_mutations(ME, 2.0, at(0)), 4_000);
    assert_eq!(quotas.pay_mutations(ME, 1.0, true, at(4_000)), Ok(()));
    assert_eq!(quotas.settle_mutations(ME, 0.0, at(1_000_000)), 0);
    let other = Client { user: "v", ..ME };
    assert_eq!(quotas.pay_mutations(other, 1e9, true, at(0)), Ok(()));
}

#[test]
fn q1_addresses_have_their_own_rate_of_connections() {
    let ip = |ip: Option<&str>| entity(None, None, name(ip));
    let quotas =
        quotas(&[(ip(Some("10.0.0.1")), "connection_creation_rate", 1.0), (ip(None), "connection_creation_rate", 2.0)]);
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    for _ in 0..10 {
        assert_eq!(quotas.connection(address("10.0.0.1"), at(0)), 0);
    }
    assert_eq!(quotas.connection(address("::ffff:10.0.0.1"), at(0)), 1_000, "the same address in other words");
    assert_eq!(quotas.connection(address("10.0.0.1"), at(0)), 1_000, "who was closed did not count");
    for _ in 0..20 {
        assert_eq!(quotas.connection(address("10.0.0.2"), at(0)), 0);
    }
    assert_eq!(quotas.connection(address("10.0.0.2"), at(0)), 500);
    assert_eq!(quotas.connection(address("10.0.0.1"), at(11_000)), 0);
    assert_eq!(quotas.any_connection(at(0)), 0);
    quotas.set_max_connection_creation_rate(1);
    for _ in 0..10 {
        assert_eq!(quotas.any_connection(at(0)), 0);
    }
    assert_eq!(quotas.any_connection(at(0)), 1_000);
}
