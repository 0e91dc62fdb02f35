//! Client quotas: what was set on users, client ids and addresses, and on combinations of them (Q1).

use imbl::OrdMap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A name in a quota's entity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EntityName {
    /// This one.
    Named(Arc<str>),
    /// Whoever has no entity of their own.
    Default,
}

impl EntityName {
    /// The name as requests carry it, in which the default has none.
    pub fn from_option(name: Option<&str>) -> Self {
        name.map_or(Self::Default, |name| Self::Named(name.into()))
    }

    /// The name; `None` for the default.
    pub fn as_option(&self) -> Option<&str> {
        match self {
            Self::Named(name) => Some(name),
            Self::Default => None,
        }
    }
}

/// Whom a quota is set on. At least one part is there, and an address stands alone: the controller sees to that.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QuotaEntity {
    /// A user.
    pub user: Option<EntityName>,
    /// A client id.
    pub client_id: Option<EntityName>,
    /// An address.
    pub ip: Option<EntityName>,
}

/// Kafka's name of a user in an entity.
pub const USER: &str = "user";
/// Kafka's name of a client id in an entity.
pub const CLIENT_ID: &str = "client-id";
/// Kafka's name of an address in an entity.
pub const IP: &str = "ip";

impl QuotaEntity {
    /// The part that Kafka calls `kind`; `None` for a kind that there is not.
    pub fn part_mut(&mut self, kind: &str) -> Option<&mut Option<EntityName>> {
        match kind {
            USER => Some(&mut self.user),
            CLIENT_ID => Some(&mut self.client_id),
            IP => Some(&mut self.ip),
            _ => None,
        }
    }

    /// Kafka's name of each part that is there, and the part.
    pub fn parts(&self) -> impl Iterator<Item = (&'static str, &EntityName)> {
        let parts = [(USER, &self.user), (CLIENT_ID, &self.client_id), (IP, &self.ip)];
        parts.into_iter().filter_map(|(kind, part)| Some((kind, part.as_ref()?)))
    }
}

/// A quota's value. Compared by its bits, so that images can be compared.
#[derive(Clone, Copy, Debug)]
pub struct QuotaValue(pub f64);

impl PartialEq for QuotaValue {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for QuotaValue {}

/// The quotas set on one entity, key by key.
pub type Quotas = BTreeMap<String, QuotaValue>;

/// All quotas. An entity without any has no entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotasImage {
    pub(super) entities: OrdMap<QuotaEntity, Arc<Quotas>>,
}

impl QuotasImage {
    /// The quotas set on `entity`, if there are any.
    pub fn of(&self, entity: &QuotaEntity) -> Option<&Arc<Quotas>> {
        self.entities.get(entity)
    }

    /// Every entity with its quotas.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&QuotaEntity, &Arc<Quotas>)> {
        self.entities.iter()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// Sets a quota, or takes it away (`None`).
    pub(super) fn set(&mut self, entity: &QuotaEntity, key: &str, value: Option<QuotaValue>) {
        let mut quotas = self.entities.get(entity).map_or_else(Quotas::new, |quotas| (**quotas).clone());
        match value {
            Some(value) => quotas.insert(key.to_owned(), value),
            None => quotas.remove(key),
        };
        if quotas.is_empty() {
            self.entities.remove(entity);
        } else {
            self.entities.insert(entity.clone(), Arc::new(quotas));
        }
    }
}
