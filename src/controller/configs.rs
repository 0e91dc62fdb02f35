//! Changing settings (K1, K3–K5).

use super::request::{ConfigChange, ConfigOperation};
use super::{validate_topic_name, Controller, Draft, Refusal};
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};
use crate::metadata::image::MetadataImage;
use crate::metadata::record::MetadataRecord;
use std::collections::BTreeSet;

/// The longest name of a resource, key of a setting, or value, in bytes.
const MAX_VALUE_BYTES: usize = 32767;

type Changed = Vec<(String, Option<String>)>;
type Answers = Vec<(ConfigResource, Result<(), Refusal>)>;

impl Controller {
    pub(super) fn incremental_alter_configs(
        &self,
        draft: &mut Draft,
        resources: &[(ConfigResource, Vec<ConfigChange>)],
        validate_only: bool,
    ) -> Answers {
        alter_each(draft, resources, validate_only, |image, resource, changes| {
            if duplicate_key(changes.iter().map(|change| change.key.as_str())) {
                return Err(duplicate_keys());
            }
            let absent = |change: &&ConfigChange| change.operation != ConfigOperation::Delete && change.value.is_none();
            refuse_nulls_before_judging(changes.iter().filter(absent).map(|change| change.key.as_str()))?;
            let present = image.configs().of(resource.resource_type, &resource.name);
            let mut changed = Changed::with_capacity(changes.len());
            for change in changes {
                changed.push((change.key.clone(), self.new_value(resource, present, change)?));
            }
            self.judge(image, resource, changed)
        })
    }

    pub(super) fn alter_configs(
        &self,
        draft: &mut Draft,
        resources: &[(ConfigResource, Changed)],
        validate_only: bool,
    ) -> Answers {
        alter_each(draft, resources, validate_only, |image, resource, settings| {
            if duplicate_key(settings.iter().map(|(key, _)| key.as_str())) {
                return Err(duplicate_keys());
            }
            let absent = settings.iter().filter(|(_, value)| value.is_none());
            refuse_nulls_before_judging(absent.map(|(key, _)| key.as_str()))?;
            let present = image.configs().of(resource.resource_type, &resource.name);
            let left_out = |key: &&String| settings.iter().all(|(kept, _)| kept != *key);
            let removed = present.keys().filter(left_out).map(|key| (key.clone(), None));
            self.judge(image, resource, settings.iter().cloned().chain(removed).collect())
        })
    }

    /// The value that a change leads to; `None` takes the setting away.
    fn new_value(
        &self,
        resource: &ConfigResource,
        present: &Overrides,
        change: &ConfigChange,
    ) -> Result<Option<String>, Refusal> {
        let value = change.value.as_deref().unwrap_or_default();
        let word = match change.operation {
            ConfigOperation::Set => return Ok(Some(value.to_owned())),
            ConfigOperation::Delete => return Ok(None),
            ConfigOperation::Append => "APPEND",
            ConfigOperation::Subtract => "SUBTRACT",
        };
        let (rules, resource_type) = (&self.settings.config_rules, resource.resource_type);
        if !rules.is_list(resource_type, &change.key) {
            return Err(Refusal::InvalidConfig(match resource_type {
                ResourceType::Broker => {
                    format!("Config value {} is not allowed for config key: {}", word.to_ascii_lowercase(), change.key)
                }
                _ => format!("Can't {word} to key {} because its type is not LIST.", change.key),
            }));
        }
        let own = present.get(&change.key).cloned();
        let list = own.or_else(|| rules.value_beneath(resource_type, &change.key)).unwrap_or_default();
        let mut parts: Vec<&str> = list.split(',').map(str::trim).filter(|part| !part.is_empty()).collect();
        for part in value.split(',').map(str::trim) {
            match change.operation {
                ConfigOperation::Append if !parts.contains(&part) => parts.push(part),
                ConfigOperation::Append => {}
                _ => parts.retain(|kept| *kept != part),
            }
        }
        Ok(Some(parts.join(",")))
    }

    /// Judges the changes as a whole, and leaves those that change something. A broker's are kept all: setting a value
    /// again makes the broker read it again, which is how rotated key stores are taken up.
    fn judge(&self, image: &MetadataImage, resource: &ConfigResource, changed: Changed) -> Result<Changed, Refusal> {
        refuse_unnamed(resource)?;
        refuse_long_values(&changed)?;
        let present = image.configs().of(resource.resource_type, &resource.name);
        let mut after = Overrides::clone(present);
        for (key, value) in &changed {
            match value {
                Some(value) => after.insert(key.clone(), value.clone()),
                None => after.remove(key),
            };
        }
        self.settings.config_rules.validate(resource, &after, &changed)?;
        refuse_unknown(image, resource)?;
        let differs = |(key, value): &(String, Option<String>)| match resource.resource_type {
            ResourceType::Broker => value.is_some() || present.contains_key(key),
            _ => present.get(key) != value.as_ref(),
        };
        Ok(changed.into_iter().filter(differs).collect())
    }
}

/// Judges resource by resource; one that stands twice is refused.
fn alter_each<T>(
    draft: &mut Draft,
    resources: &[(ConfigResource, Vec<T>)],
    validate_only: bool,
    judge: impl Fn(&MetadataImage, &ConfigResource, &[T]) -> Result<Changed, Refusal>,
) -> Answers {
    let mut seen = BTreeSet::new();
    let doubled: BTreeSet<_> = resources.iter().map(|(resource, _)| resource).filter(|r| !seen.insert(*r)).collect();
    let mut answered = BTreeSet::new();
    let mut answers = Answers::with_capacity(resources.len());
    for (resource, changes) in resources {
        if !answered.insert(resource) {
            continue;
        }
        let decided = if doubled.contains(resource) {
            Err(Refusal::InvalidRequest("Each resource must appear at most once.".to_owned()))
        } else {
            judge(&draft.image, resource, changes)
        };
        let answer = decided.map(|changed| {
            if !validate_only {
                for (key, value) in changed {
                    draft.push(MetadataRecord::Config { resource: resource.clone(), key, value });
                }
            }
        });
        answers.push((resource.clone(), answer));
    }
    answers
}

fn duplicate_key<'a>(keys: impl Iterator<Item = &'a str>) -> bool {
    !super::topics::duplicates(keys).is_empty()
}

fn duplicate_keys() -> Refusal {
    Refusal::InvalidRequest("Error due to duplicate config keys".to_owned())
}

fn refuse_nulls_before_judging<'a>(keys: impl Iterator<Item = &'a str>) -> Result<(), Refusal> {
    let keys: Vec<&str> = keys.collect();
    if keys.is_empty() {
        return Ok(());
    }
    Err(Refusal::InvalidRequest(format!("Null value not supported for : {}", keys.join(","))))
}

/// Refuses settings without a value, which cannot be told from a removal.
pub(super) fn refuse_null_values(
    resource_type: ResourceType,
    settings: &[(String, Option<String>)],
) -> Result<(), Refusal> {
    let keys: Vec<&str> = settings.iter().filter(|(_, value)| value.is_none()).map(|(key, _)| key.as_str()).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let kind = match resource_type {
        ResourceType::Topic => "topic",
        ResourceType::Broker => "broker",
        ResourceType::ClientMetrics => "client metrics",
        ResourceType::Group => "group",
    };
    Err(Refusal::InvalidConfig(format!("Null value not supported for {kind} configs: {}", keys.join(","))))
}

/// Refuses values that no record can hold.
pub(super) fn refuse_long_values(settings: &[(String, Option<String>)]) -> Result<(), Refusal> {
    let is_long = |text: &str| text.len() > MAX_VALUE_BYTES;
    if settings.iter().any(|(key, value)| is_long(key) || value.as_deref().is_some_and(is_long)) {
        return Err(Refusal::InvalidConfig(format!(
            "The configuration value cannot be added because it exceeds the maximum value size of {MAX_VALUE_BYTES} \
             bytes."
        )));
    }
    Ok(())
}

/// Refuses a resource whose name cannot be one.
fn refuse_unnamed(resource: &ConfigResource) -> Result<(), Refusal> {
    let name = &*resource.name;
    let invalid = |why: &str| Err(Refusal::InvalidRequest(why.to_owned()));
    if name.len() > MAX_VALUE_BYTES {
        return invalid("The resource name is too long.");
    }
    match resource.resource_type {
        ResourceType::Topic if name.is_empty() => invalid("Default topic resources are not allowed."),
        ResourceType::Topic => validate_topic_name(name),
        ResourceType::Group if name.is_empty() => invalid("Default group resources are not allowed."),
        ResourceType::ClientMetrics if name.is_empty() => invalid("Subscription name can't be empty"),
        ResourceType::Broker if !name.is_empty() => match name.parse::<i32>() {
            Err(_) => invalid("Unable to parse broker name as a base 10 number."),
            Ok(id) if id < 0 => invalid("Invalid negative broker ID."),
            Ok(_) => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Refuses a topic or a broker that there is not. Groups and subscriptions may be configured before they are there.
fn refuse_unknown(image: &MetadataImage, resource: &ConfigResource) -> Result<(), Refusal> {
    let name = &*resource.name;
    match resource.resource_type {
        ResourceType::Topic if image.topic_by_name(name).is_none() => {
            Err(Refusal::UnknownTopicOrPartition(format!("The topic '{name}' does not exist.")))
        }
        ResourceType::Broker if !name.is_empty() => match name.parse().ok().and_then(|id| image.broker(id)) {
            Some(_) => Ok(()),
            None => Err(Refusal::BrokerIdNotRegistered(format!("No node with id {name} found."))),
        },
        _ => Ok(()),
    }
}
