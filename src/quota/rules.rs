//! Which quota holds for whom: the first of Kafka's eight ways to name a client that has one (Q1).

use super::{Client, Kind};
use crate::metadata::quotas::{EntityName, QuotaEntity, QuotasImage};
use rustc_hash::FxHashMap;
use std::net::IpAddr;

/// Who shares one measure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Scope {
    /// A user's client.
    UserClient(String, String),
    /// A user with all clients.
    User(String),
    /// A client with all users.
    Client(String),
    /// An address.
    Address(IpAddr),
}

/// The quotas of one kind.
#[derive(Debug, Default)]
struct Table {
    limits: FxHashMap<QuotaEntity, f64>,
}

/// All quotas, for looking up.
#[derive(Debug, Default)]
pub(super) struct Rules {
    tables: [Table; super::KINDS],
}

impl Rules {
    pub(super) fn new(quotas: &QuotasImage) -> Self {
        let mut rules = Self::default();
        for (entity, values) in quotas.iter() {
            for kind in Kind::ALL {
                if let Some(value) = values.get(kind.key()) {
                    rules.tables[kind as usize].limits.insert(entity.clone(), value.0);
                }
            }
        }
        rules
    }

    /// Whether there is any quota of the kind.
    pub(super) fn has(&self, kind: Kind) -> bool {
        !self.tables[kind as usize].limits.is_empty()
    }

    /// The quota that holds for a client, and who shares it.
    pub(super) fn of(&self, kind: Kind, client: Client<'_>) -> Option<(f64, Scope)> {
        let limits = &self.tables[kind as usize].limits;
        let user = || Some(EntityName::Named(client.user.into()));
        let client_id = || Some(EntityName::Named(client.client_id.into()));
        let any = || Some(EntityName::Default);
        let find = |user, client_id| limits.get(&QuotaEntity { user, client_id, ip: None }).copied();
        let both = || Scope::UserClient(client.user.to_owned(), client.client_id.to_owned());
        let of_user = || Scope::User(client.user.to_owned());
        let of_client = || Scope::Client(client.client_id.to_owned());
        find(user(), client_id())
            .or_else(|| find(user(), any()))
            .map(|limit| (limit, both()))
            .or_else(|| find(user(), None).map(|limit| (limit, of_user())))
            .or_else(|| find(any(), client_id()).or_else(|| find(any(), any())).map(|limit| (limit, both())))
            .or_else(|| find(any(), None).map(|limit| (limit, of_user())))
            .or_else(|| find(None, client_id()).or_else(|| find(None, any())).map(|limit| (limit, of_client())))
    }

    /// The quota that holds for an address.
    pub(super) fn of_address(&self, address: IpAddr) -> Option<(f64, Scope)> {
        let limits = &self.tables[Kind::Connection as usize].limits;
        let find = |name| limits.get(&QuotaEntity { ip: Some(name), ..QuotaEntity::default() }).copied();
        let own = find(EntityName::Named(address.to_string().into()));
        own.or_else(|| find(EntityName::Default)).map(|limit| (limit, Scope::Address(address)))
    }
}
