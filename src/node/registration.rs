//! How this node becomes a broker of its cluster and stays one: bootstrap, registration, signs of life.

use super::NodeError;
use crate::clock::Clock;
use crate::config::BrokerConfig;
use crate::controller::request::{BrokerHeartbeat, RegisterBroker};
use crate::controller::{supported_features, FeatureSetting, Request, Response};
use crate::ids::Uuid;
use crate::metadata::broker::Endpoint;
use crate::metadata::cache::MetadataCache;
use crate::quorum::{ControllerHandle, SubmitError};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How long to wait before asking a controller again that is not ready, in milliseconds.
const RETRY_MS: u64 = 10;

/// This node's place in the cluster.
pub(super) struct Registration {
    pub(super) controller: ControllerHandle,
    pub(super) metadata: Arc<MetadataCache>,
    pub(super) config: Arc<BrokerConfig>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cluster_id: String,
    pub(super) incarnation: Uuid,
    pub(super) log_dirs: Vec<Uuid>,
}

impl Registration {
    /// Registers and waits until the controller lets clients see this broker. Returns the broker's epoch.
    pub(super) async fn join(&self) -> Result<i64, NodeError> {
        self.ask(Request::Bootstrap { cluster_id: self.cluster_id.clone() }).await?;
        let register = RegisterBroker {
            broker_id: self.config.node_id,
            cluster_id: self.cluster_id.clone(),
            incarnation: self.incarnation,
            endpoints: self.endpoints(),
            rack: self.config.broker_rack.clone(),
            log_dirs: self.log_dirs.clone(),
            features: supported_features(&FeatureSetting::built()),
        };
        let epoch = match self.ask(Request::RegisterBroker(register)).await? {
            Response::RegisterBroker(Ok(epoch)) => epoch,
            Response::RegisterBroker(Err(refusal)) => return Err(NodeError::Registration(refusal.to_string())),
            other => return Err(NodeError::Registration(format!("unexpected answer {other:?}"))),
        };
        while self.beat(epoch, false).await? {
            tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
        }
        Ok(epoch)
    }

    /// Says that the broker lives, until cancelled. A broker whose registration was taken away (UnregisterBroker) while
    /// it lives registers again; Kafka's goes on knocking in vain until it is restarted.
    pub(super) async fn keep_alive(self, mut epoch: i64, cancelled: CancellationToken) {
        let interval =
            Duration::from_millis(self.config.quorum.broker_heartbeat_interval_ms.max(1).unsigned_abs().into());
        loop {
            tokio::select! {
                biased;
                () = cancelled.cancelled() => return,
                () = tokio::time::sleep(interval) => {}
            }
            let Err(error) = self.beat(epoch, false).await else { continue };
            tracing::warn!("the controller did not hear this broker's heartbeat: {error}");
            if matches!(error, NodeError::Registration(_)) {
                match self.join().await {
                    Ok(joined) => epoch = joined,
                    Err(error) => tracing::warn!("this broker could not register again: {error}"),
                }
            }
        }
    }

    /// One sign of life; whether the broker is still fenced.
    async fn beat(&self, epoch: i64, want_shut_down: bool) -> Result<bool, NodeError> {
        let heartbeat = BrokerHeartbeat {
            broker_id: self.config.node_id,
            broker_epoch: epoch,
            current_metadata_offset: self.metadata.current().applied().0,
            want_fence: false,
            want_shut_down,
        };
        match self.ask(Request::BrokerHeartbeat(heartbeat)).await? {
            Response::BrokerHeartbeat(Ok(answer)) => Ok(answer.is_fenced),
            Response::BrokerHeartbeat(Err(refusal)) => Err(NodeError::Registration(refusal.to_string())),
            other => Err(NodeError::Registration(format!("unexpected answer {other:?}"))),
        }
    }

    /// Asks the controller, again for as long as none is active.
    async fn ask(&self, request: Request) -> Result<Response, NodeError> {
        loop {
            match self.controller.submit(request.clone()).await {
                Ok(response) => return Ok(response),
                Err(SubmitError::Stopped) => return Err(NodeError::QuorumStopped),
                Err(error) => tracing::debug!("at {} ms: {error}", self.clock.now().mono_ms),
            }
            tokio::time::sleep(Duration::from_millis(RETRY_MS)).await;
        }
    }

    fn endpoints(&self) -> Vec<Endpoint> {
        let listeners = self.config.listeners.clients().map(|listener| Endpoint {
            listener: listener.name.clone(),
            host: listener.advertised.host.clone(),
            port: listener.advertised.port,
            security_protocol: listener.protocol,
        });
        listeners.collect()
    }
}
