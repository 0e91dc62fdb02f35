//! Dynamic configurations: what was set on a resource, by kind and name.

use imbl::OrdMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The kinds of resource whose settings the metadata log keeps. Loggers' levels are each broker's own.
/// The numbers are Kafka's, on the wire and in records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceType {
    /// A topic, by name.
    Topic,
    /// A broker, by id in decimal; the empty name is the default of all brokers.
    Broker,
    /// A subscription to client metrics, by name.
    ClientMetrics,
    /// A group, by id.
    Group,
}

impl ResourceType {
    /// Kafka's number.
    pub const fn code(self) -> i8 {
        match self {
            Self::Topic => 2,
            Self::Broker => 4,
            Self::ClientMetrics => 16,
            Self::Group => 32,
        }
    }

    /// The kind with Kafka's number `code`.
    pub const fn from_code(code: i8) -> Option<Self> {
        match code {
            2 => Some(Self::Topic),
            4 => Some(Self::Broker),
            16 => Some(Self::ClientMetrics),
            32 => Some(Self::Group),
            _ => None,
        }
    }
}

/// One resource that can be configured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConfigResource {
    /// Its kind.
    pub resource_type: ResourceType,
    /// Its name; empty for the default of all brokers.
    pub name: Arc<str>,
}

impl ConfigResource {
    /// Names a resource.
    pub fn new(resource_type: ResourceType, name: impl Into<Arc<str>>) -> Self {
        Self { resource_type, name: name.into() }
    }
}

/// The settings made on one resource, key by key.
pub type Overrides = BTreeMap<String, String>;

type ByName = OrdMap<Arc<str>, Arc<Overrides>>;

/// All settings made on all resources. A resource without settings has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ConfigsImage {
    pub(super) topics: ByName,
    pub(super) brokers: ByName,
    pub(super) client_metrics: ByName,
    pub(super) groups: ByName,
    /// What a resource without settings is answered with.
    none: Arc<Overrides>,
}

impl ConfigsImage {
    /// The settings made on the resource; empty if there are none.
    pub fn of(&self, resource_type: ResourceType, name: &str) -> &Arc<Overrides> {
        self.by_name(resource_type).get(name).unwrap_or(&self.none)
    }

    /// The resources of one kind that have settings, by name.
    pub fn named(&self, resource_type: ResourceType) -> impl Iterator<Item = (&Arc<str>, &Arc<Overrides>)> {
        self.by_name(resource_type).iter()
    }

    pub(super) fn by_name(&self, resource_type: ResourceType) -> &ByName {
        match resource_type {
            ResourceType::Topic => &self.topics,
            ResourceType::Broker => &self.brokers,
            ResourceType::ClientMetrics => &self.client_metrics,
            ResourceType::Group => &self.groups,
        }
    }

    fn by_name_mut(&mut self, resource_type: ResourceType) -> &mut ByName {
        match resource_type {
            ResourceType::Topic => &mut self.topics,
            ResourceType::Broker => &mut self.brokers,
            ResourceType::ClientMetrics => &mut self.client_metrics,
            ResourceType::Group => &mut self.groups,
        }
    }

    /// Sets `key` on the resource, or takes it away (`None`).
    pub(super) fn set(&mut self, resource: &ConfigResource, key: &str, value: Option<&str>) {
        let by_name = self.by_name_mut(resource.resource_type);
        let mut overrides = by_name.get(&resource.name).map_or_else(Overrides::new, |set| (**set).clone());
        match value {
            Some(value) => overrides.insert(key.to_owned(), value.to_owned()),
            None => overrides.remove(key),
        };
        if overrides.is_empty() {
            by_name.remove(&resource.name);
        } else {
            by_name.insert(resource.name.clone(), Arc::new(overrides));
        }
    }

    /// Takes all settings of the resource away.
    pub(super) fn clear(&mut self, resource_type: ResourceType, name: &str) {
        self.by_name_mut(resource_type).remove(name);
    }
}
