//! Judges admin and broker requests against an image and answers with records.
//!
//! The controller changes nothing itself: [`Controller::decide`] looks at an image and says which records would make the
//! request come true, and what to answer once they are committed. Each subject has a file. The only state kept here is
//! soft: when each broker was last heard of ([`sessions`]).
//!
//! Absent from here: replicating records and knowing who is active (`quorum/`), wire types and error numbers (`api/`).

mod brokers;
pub mod config_rules;
mod configs;
mod elections;
mod features;
pub mod internal_topics;
mod partitions;
mod placement;
mod producers;
mod quotas;
mod reassignments;
mod refusal;
pub mod request;
mod scram;
pub mod sessions;
mod settings;
mod topic_names;
mod topics;

pub use config_rules::TableRules;
pub use features::supported_features;
pub use producers::PRODUCER_ID_BLOCK;
pub use refusal::Refusal;
pub use request::{Decision, Request, Response};
pub use settings::{ConfigRules, ControllerSettings, FeatureSetting, TRANSACTION_VERSION};
pub use topic_names::validate_topic_name;
pub use topics::MAX_NEW_PARTITIONS_PER_REQUEST;

use crate::clock::Now;
use crate::metadata::image::MetadataImage;
use crate::metadata::record::MetadataRecord;
use crate::rng::Rng;
use sessions::Sessions;

/// The decider. Only the active controller's node asks it.
pub struct Controller {
    settings: ControllerSettings,
    /// For topic ids and for where the placement of a topic's replicas starts.
    rng: Rng,
    sessions: Sessions,
}

impl Controller {
    /// A controller that has heard of no broker yet.
    pub fn new(settings: ControllerSettings, rng: Rng) -> Self {
        let sessions = Sessions::new(settings.broker_session_timeout_ms);
        Self { settings, rng, sessions }
    }

    /// Forgets all soft state and grants every broker that is not fenced one whole session: what the last active
    /// controller had heard is not known here. To be called when this node becomes the active controller.
    pub fn became_active(&mut self, image: &MetadataImage, now: Now) {
        self.sessions = Sessions::new(self.settings.broker_session_timeout_ms);
        for broker in image.live_brokers() {
            self.sessions.touch(broker.id, broker.epoch, now);
        }
    }

    /// Judges `request` against `image`, in which all records stand that were decided before. Its
    /// [`MetadataImage::applied`] says where the decided records will stand: a broker that registers gets it as epoch.
    pub fn decide(&mut self, image: &MetadataImage, request: &Request, now: Now) -> Decision {
        let mut draft = Draft { image: image.clone(), records: Vec::new() };
        let response = match request {
            Request::Bootstrap { cluster_id } => Response::Bootstrap(self.bootstrap(&mut draft, cluster_id)),
            Request::CreateTopics(request) => Response::CreateTopics(self.create_topics(&mut draft, request)),
            Request::DeleteTopics { topics } => Response::DeleteTopics(self.delete_topics(&mut draft, topics)),
            Request::CreatePartitions(request) => {
                Response::CreatePartitions(self.create_partitions(&mut draft, request))
            }
            Request::IncrementalAlterConfigs { resources, validate_only } => {
                Response::IncrementalAlterConfigs(self.incremental_alter_configs(&mut draft, resources, *validate_only))
            }
            Request::AlterConfigs { resources, validate_only } => {
                Response::AlterConfigs(self.alter_configs(&mut draft, resources, *validate_only))
            }
            Request::AllocateProducerIds { broker_id, broker_epoch } => {
                Response::AllocateProducerIds(self.allocate_producer_ids(&mut draft, *broker_id, *broker_epoch))
            }
            Request::RegisterBroker(request) => {
                Response::RegisterBroker(self.register_broker(&mut draft, request, now))
            }
            Request::BrokerHeartbeat(request) => {
                Response::BrokerHeartbeat(self.broker_heartbeat(&mut draft, request, now))
            }
            Request::UnregisterBroker { broker_id } => {
                Response::UnregisterBroker(self.unregister_broker(&mut draft, *broker_id))
            }
            Request::FenceStaleBrokers => Response::FenceStaleBrokers(self.fence_stale_brokers(&mut draft, now)),
            Request::UpdateFeatures { updates, validate_only } => {
                Response::UpdateFeatures(self.update_features(&mut draft, updates, *validate_only))
            }
            Request::ElectLeaders { partitions, unclean } => {
                Response::ElectLeaders(self.elect_leaders(&mut draft, partitions.as_deref(), *unclean))
            }
            Request::Reassign(request) => Response::Reassign(self.reassign_partitions(&mut draft, request)),
            Request::AlterClientQuotas { alterations, validate_only } => {
                Response::AlterClientQuotas(self.alter_client_quotas(&mut draft, alterations, *validate_only))
            }
            Request::AlterScramCredentials(request) => {
                Response::AlterScramCredentials(self.alter_scram_credentials(&mut draft, request))
            }
        };
        Decision { records: draft.records, response }
    }
}

/// The records decided so far for one request, and the image that they make: later items are judged against earlier ones.
struct Draft {
    image: MetadataImage,
    records: Vec<MetadataRecord>,
}

impl Draft {
    fn push(&mut self, record: MetadataRecord) {
        self.image.apply(&record).expect("a record decided on an image fits it");
        self.records.push(record);
    }

    /// Takes back everything past the first `records` records, which led to `image`: for requests that only judge.
    fn rewind(&mut self, records: usize, image: MetadataImage) {
        self.records.truncate(records);
        self.image = image;
    }
}

#[cfg(test)]
mod tests;
