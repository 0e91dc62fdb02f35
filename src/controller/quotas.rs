//! Quotas of users, clients and addresses (AlterClientQuotas, Q1).

use super::request::{QuotaAlteration, QuotaEntityPart};
use super::{Controller, Draft, Refusal};
use crate::metadata::quotas::{EntityName, QuotaEntity};
use crate::metadata::record::MetadataRecord;
use std::collections::{BTreeMap, BTreeSet};

/// How large the value of a key may be; `None` for one that takes any number.
type Largest = Option<(f64, &'static str)>;

/// A fraction smaller than this counts as rounding.
const ROUNDING: f64 = 1e-6;

const ANY: Largest = None;
const INT: Largest = Some((i32::MAX as f64, "an INT"));
const LONG: Largest = Some((i64::MAX as f64, "a LONG"));

/// The quotas of users and client ids.
const CLIENT_KEYS: &[(&str, Largest)] = &[
    ("producer_byte_rate", LONG),
    ("consumer_byte_rate", LONG),
    ("request_percentage", ANY),
    ("controller_mutation_rate", ANY),
];
/// The quotas of addresses.
const IP_KEYS: &[(&str, Largest)] = &[("connection_creation_rate", INT)];

impl Controller {
    pub(super) fn alter_client_quotas(
        &self,
        draft: &mut Draft,
        alterations: &[QuotaAlteration],
        validate_only: bool,
    ) -> Vec<Result<(), Refusal>> {
        let before = (draft.records.len(), draft.image.clone());
        let answers = alterations
            .iter()
            .map(|alteration| {
                let records = altered(draft, alteration)?;
                records.into_iter().for_each(|record| draft.push(record));
                Ok(())
            })
            .collect();
        if validate_only {
            draft.rewind(before.0, before.1);
        }
        answers
    }
}

fn invalid(why: String) -> Refusal {
    Refusal::InvalidRequest(why)
}

/// The records of one alteration: all of its keys or none.
fn altered(draft: &Draft, alteration: &QuotaAlteration) -> Result<Vec<MetadataRecord>, Refusal> {
    let entity = entity_of(&alteration.entity)?;
    let keys = keys_of(&entity)?;
    let present = draft.image.quotas().of(&entity);
    let mut changes = BTreeMap::new();
    // Of a key that stands there twice the last holds, as in Kafka.
    for (key, value) in &alteration.operations {
        changes.insert(key.as_str(), *value);
    }
    let mut records = Vec::new();
    for (key, value) in changes {
        let known = present.and_then(|quotas| quotas.get(key)).copied();
        let value = match value {
            Some(value) => {
                judge_value(keys, key, value.0)?;
                Some(value)
            }
            None => None,
        };
        if known != value {
            records.push(MetadataRecord::ClientQuota { entity: entity.clone(), key: key.to_owned(), value });
        }
    }
    Ok(records)
}

fn entity_of(parts: &[QuotaEntityPart]) -> Result<QuotaEntity, Refusal> {
    if parts.is_empty() {
        return Err(invalid("Invalid empty client quota entity".to_owned()));
    }
    let mut entity = QuotaEntity::default();
    let mut seen = BTreeSet::new();
    for (kind, name) in parts {
        let Some(part) = entity.part_mut(kind) else {
            return Err(invalid(format!("Unhandled client quota entity type: {kind}")));
        };
        if !seen.insert(kind) {
            return Err(invalid(format!("Invalid client quota entity, duplicate entity entry {kind}")));
        }
        if name.as_deref() == Some("") {
            return Err(invalid(format!("Empty {kind} not supported")));
        }
        *part = Some(EntityName::from_option(name.as_deref()));
    }
    Ok(entity)
}

/// The keys that may be set on such an entity. Host names are not resolved here, as Kafka does: a name would be looked
/// up by each broker anew, and the controller waits for nobody.
fn keys_of(entity: &QuotaEntity) -> Result<&'static [(&'static str, Largest)], Refusal> {
    match (&entity.ip, entity.user.is_some() || entity.client_id.is_some()) {
        (None, true) => Ok(CLIENT_KEYS),
        (Some(EntityName::Default), false) => Ok(IP_KEYS),
        (Some(EntityName::Named(ip)), false) => match ip.parse::<std::net::IpAddr>() {
            Ok(_) => Ok(IP_KEYS),
            Err(_) => Err(invalid(format!("{ip} is not a valid IP or resolvable host."))),
        },
        _ => Err(invalid("Invalid empty client quota entity".to_owned())),
    }
}

fn judge_value(keys: &[(&str, Largest)], key: &str, value: f64) -> Result<(), Refusal> {
    let Some((_, largest)) = keys.iter().find(|(name, _)| *name == key) else {
        return Err(invalid(format!("Invalid configuration key {key}")));
    };
    // Not a number is not greater than 0 either.
    if value.is_nan() || value <= 0.0 {
        return Err(invalid(format!("Quota {key} must be greater than 0")));
    }
    let Some((largest, kind)) = largest else { return Ok(()) };
    if value > *largest {
        return Err(invalid(format!("Proposed value for {key} is too large for {kind}.")));
    }
    if (value % 1.0).abs() > ROUNDING {
        return Err(invalid(format!("{key} cannot be a fractional value.")));
    }
    Ok(())
}
