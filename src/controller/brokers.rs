//! Brokers that register, live, and leave.
//!
//! A broker starts out fenced. It is let in once it has applied its own registration, so that it never serves from an
//! image older than its own. A broker that comes back under a new incarnation has died in between: whatever it led is
//! given up in the same entry, which also raises the leader epochs.

use super::elections::Leaving;
use super::request::{BrokerHeartbeat, HeartbeatAnswer, RegisterBroker};
use super::{Controller, Draft, Refusal};
use crate::clock::Now;
use crate::ids::NodeId;
use crate::metadata::broker::EPOCH_OF_ENTRY;
use crate::metadata::image::{BrokerImage, MetadataImage};
use crate::metadata::record::MetadataRecord;

impl Controller {
    pub(super) fn register_broker(
        &mut self,
        draft: &mut Draft,
        request: &RegisterBroker,
        now: Now,
    ) -> Result<i64, Refusal> {
        self.refuse_other_cluster(&draft.image, &request.cluster_id)?;
        refuse_unsupported_features(&draft.image, request)?;
        let id = request.broker_id;
        let mut broker = BrokerImage {
            id,
            epoch: EPOCH_OF_ENTRY,
            incarnation: request.incarnation,
            endpoints: request.endpoints.clone(),
            rack: request.rack.clone(),
            fenced: true,
            in_controlled_shutdown: false,
            log_dirs: request.log_dirs.clone(),
        };
        let mut died = false;
        match draft.image.broker(id).cloned() {
            // Asked twice, or with new endpoints: the registration stays the one it was.
            Some(known) if known.incarnation == request.incarnation => {
                broker.epoch = known.epoch;
                broker.fenced = known.fenced;
                broker.in_controlled_shutdown = known.in_controlled_shutdown;
            }
            // A broker in this very process is the only one alive under this node's id.
            Some(known)
                if id != self.settings.node_id
                    && !known.in_controlled_shutdown
                    && self.sessions.is_valid(id, known.epoch, now) =>
            {
                return Err(Refusal::DuplicateBrokerRegistration);
            }
            known => died = known.is_some(),
        }
        if died {
            draft.broker_leaves(id, Leaving::Now);
        }
        draft.push(MetadataRecord::RegisterBroker(broker));
        let epoch = draft.image.broker(id).expect("the broker has just registered").epoch;
        self.sessions.touch(id, epoch, now);
        Ok(epoch)
    }

    pub(super) fn broker_heartbeat(
        &mut self,
        draft: &mut Draft,
        request: &BrokerHeartbeat,
        now: Now,
    ) -> Result<HeartbeatAnswer, Refusal> {
        let id = request.broker_id;
        let broker = self.broker_of_epoch(&draft.image, id, request.broker_epoch)?.clone();
        self.sessions.touch(id, broker.epoch, now);
        self.sessions.applied(id, request.current_metadata_offset);
        let is_caught_up = request.current_metadata_offset >= broker.epoch;
        let mut should_shut_down = false;
        if request.want_shut_down {
            should_shut_down = self.shut_down_in_order(draft, &broker);
        } else if request.want_fence {
            if !broker.fenced {
                fence(draft, &broker);
            }
        } else if broker.fenced && is_caught_up {
            let change = broker_change(&broker, Some(false), Some(false));
            draft.push(change);
            draft.broker_arrives(id);
        }
        let is_fenced = draft.image.broker(id).is_none_or(|broker| broker.fenced);
        Ok(HeartbeatAnswer { is_caught_up, is_fenced, should_shut_down })
    }

    /// Moves the broker's leaderships away first; lets it stop once every other broker has applied that.
    fn shut_down_in_order(&mut self, draft: &mut Draft, broker: &BrokerImage) -> bool {
        if broker.fenced {
            return true;
        }
        if !broker.in_controlled_shutdown {
            draft.push(broker_change(broker, None, Some(true)));
            draft.broker_leaves(broker.id, Leaving::InOrder);
            self.sessions.shutting_down(broker.id, draft.image.applied().0);
            return false;
        }
        // A controller that came into office meanwhile waits for all that it knows of.
        let moved_at = self.sessions.shut_down_at(broker.id).unwrap_or(draft.image.applied().0 - 1);
        self.sessions.shutting_down(broker.id, moved_at);
        let knows = |other: &BrokerImage| other.id == broker.id || self.sessions.applied_by(other.id) >= moved_at;
        let all_know = draft.image.live_brokers().all(|other| knows(other));
        if all_know {
            fence(draft, broker);
        }
        all_know
    }

    pub(super) fn unregister_broker(&mut self, draft: &mut Draft, broker_id: NodeId) -> Result<(), Refusal> {
        let Some(broker) = draft.image.broker(broker_id).cloned() else {
            return Err(Refusal::BrokerIdNotRegistered(format!("Broker ID {broker_id} is not currently registered")));
        };
        draft.broker_leaves(broker_id, Leaving::Now);
        draft.push(MetadataRecord::UnregisterBroker { broker_id, broker_epoch: broker.epoch });
        self.sessions.remove(broker_id);
        Ok(())
    }

    pub(super) fn fence_stale_brokers(&mut self, draft: &mut Draft, now: Now) -> Vec<NodeId> {
        let stale = |broker: &&std::sync::Arc<BrokerImage>| !self.sessions.is_valid(broker.id, broker.epoch, now);
        let stale: Vec<_> = draft.image.live_brokers().filter(stale).cloned().collect();
        for broker in &stale {
            fence(draft, broker);
        }
        self.sessions.expire(now);
        stale.iter().map(|broker| broker.id).collect()
    }

    /// The controller could hear nobody for `away_ms`: its process was stopped, or a large change kept it. Every session
    /// lasts that much longer, or a controller that comes back would fence brokers whose heartbeats wait to be read.
    pub fn was_away(&mut self, away_ms: i64) {
        self.sessions.extend(away_ms);
    }

    /// When, in milliseconds of the monotonic clock, [`super::Request::FenceStaleBrokers`] is next worth asking; `None`
    /// if there is no session. The sessions of fenced brokers count too.
    pub fn next_session_expiry_ms(&self) -> Option<i64> {
        self.sessions.next_expiry_ms()
    }

    /// The broker registered under this id and epoch.
    pub(super) fn broker_of_epoch<'a>(
        &self,
        image: &'a MetadataImage,
        broker_id: NodeId,
        broker_epoch: i64,
    ) -> Result<&'a BrokerImage, Refusal> {
        let broker = image.broker(broker_id).ok_or_else(|| {
            Refusal::StaleBrokerEpoch(format!("No broker registration found for broker id {broker_id}"))
        })?;
        if broker.epoch != broker_epoch {
            return Err(Refusal::StaleBrokerEpoch(format!(
                "Expected broker epoch {}, but got broker epoch {broker_epoch}",
                broker.epoch
            )));
        }
        Ok(broker)
    }

    pub(super) fn refuse_other_cluster(&self, image: &MetadataImage, cluster_id: &str) -> Result<(), Refusal> {
        match image.cluster_id() {
            Some(known) if **known != *cluster_id => {
                Err(Refusal::InconsistentClusterId { expected: known.to_string(), got: cluster_id.to_owned() })
            }
            _ => Ok(()),
        }
    }
}

fn fence(draft: &mut Draft, broker: &BrokerImage) {
    draft.push(broker_change(broker, Some(true), None));
    draft.broker_leaves(broker.id, Leaving::Now);
}

fn broker_change(broker: &BrokerImage, fenced: Option<bool>, in_controlled_shutdown: Option<bool>) -> MetadataRecord {
    MetadataRecord::BrokerChange {
        broker_id: broker.id,
        broker_epoch: broker.epoch,
        fenced,
        in_controlled_shutdown,
        log_dirs: None,
    }
}

fn refuse_unsupported_features(image: &MetadataImage, request: &RegisterBroker) -> Result<(), Refusal> {
    for (name, level) in image.features() {
        let range = request.features.iter().find(|(feature, _, _)| **feature == **name);
        let (min, max) = range.map_or((0, 0), |(_, min, max)| (*min, *max));
        if level < min || level > max {
            return Err(Refusal::UnsupportedVersion(format!(
                "Unable to register because the broker does not support finalized version {level} of {name}. The broker \
                 wants a version between {min} and {max}, inclusive."
            )));
        }
    }
    Ok(())
}
