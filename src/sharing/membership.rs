//! Where groups and the share coordinator meet: setting partitions up for a group, starting it elsewhere, forgetting it.

use super::manager::ShareManager;
use crate::coordinator::Groups;
use crate::group::request::{Client, ShareGroupForget, ShareGroupInitialized, StateTopic, ToSetUp};
use crate::group::{Refusal, Text};
use crate::ids::Uuid;
use crate::share::state::request::{Delete, Initialize, Summarize, Summary};
use crate::share::state::ShareStateError;
use crate::share::ShareName;
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;

/// How often a coordinator that is not there yet is asked again.
const SET_UP_TRIES: u32 = 40;
/// And after how long. Milliseconds.
const SET_UP_PAUSE_MS: u64 = 250;

impl ShareManager {
    fn exists(&self, topic_id: &Uuid, partition: i32) -> bool {
        let image = self.parts.metadata.current();
        image.topic_by_id(topic_id).is_some_and(|topic| topic.partition(partition).is_some())
    }

    /// Sets partitions up for a group that wants to read them, each where it does not start yet, and tells the group. What
    /// fails is asked for again with a later heartbeat.
    pub async fn set_up(self: Arc<Self>, groups: Arc<Groups>, client: Client, group: Text, wanted: ToSetUp) {
        let mut topics = Vec::with_capacity(wanted.topics.len());
        for (topic_id, name, partitions) in wanted.topics {
            let asked = partitions.iter().map(|index| self.start_at(&group, topic_id, *index, wanted.state_epoch, -1));
            let outcomes = join_all(asked).await;
            let done = partitions.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_ok());
            let done: Vec<i32> = done.map(|(index, _)| *index).collect();
            if let Some(error) = outcomes.iter().find_map(|outcome| outcome.as_ref().err()) {
                tracing::warn!("Partitions of {name} are not set up for share group {group} yet: {error}");
            }
            topics.push((topic_id, name, done));
        }
        topics.retain(|(_, _, done)| !done.is_empty());
        if topics.is_empty() {
            return;
        }
        let initialized = ShareGroupInitialized { group_id: group.clone(), topics };
        if let Err(error) = groups.execute(client, initialized).await {
            tracing::warn!("Share group {group} does not know yet what has been set up for it: {error}");
        }
    }

    /// Sets one partition up; -1 leaves it to the partition's leader where the group starts.
    pub async fn start_at(
        &self,
        group: &Text,
        topic_id: Uuid,
        partition: i32,
        state_epoch: i32,
        start_offset: i64,
    ) -> Result<(), ShareStateError> {
        let name = ShareName::new(group.clone(), topic_id, partition);
        let mut tries_left = SET_UP_TRIES;
        loop {
            let exists = self.exists(&topic_id, partition);
            let ask = Initialize { name: name.clone(), exists, state_epoch, start_offset };
            match self.parts.states.execute(ask).await {
                // The coordinator's topic has only just been made, or moves.
                Err(
                    ShareStateError::NotCoordinator
                    | ShareStateError::CoordinatorLoadInProgress
                    | ShareStateError::CoordinatorNotAvailable,
                ) if tries_left > 0 => {
                    tries_left -= 1;
                    tokio::time::sleep(Duration::from_millis(SET_UP_PAUSE_MS)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// How far a group has come with a partition.
    pub async fn summary(&self, group: &Text, topic_id: Uuid, partition: i32) -> Result<Summary, ShareStateError> {
        let exists = self.exists(&topic_id, partition);
        let name = ShareName::new(group.clone(), topic_id, partition);
        self.parts.states.execute(Summarize { name, exists, leader_epoch: -1 }).await
    }

    /// Deletes the state of an empty group's topics, or of all; returns what was deleted.
    pub async fn forget_state(
        &self,
        groups: &Arc<Groups>,
        client: Client,
        group: Text,
        topics: Option<Vec<Uuid>>,
    ) -> Result<Vec<StateTopic>, Refusal> {
        let say = |error: crate::group::GroupError| Refusal::new(error, error.to_string());
        let forget = ShareGroupForget { group_id: group.clone(), topics, done: false };
        let meant = groups.execute(client.clone(), forget.clone()).await.map_err(say)??;
        for (topic_id, _, partitions) in &meant {
            for index in partitions {
                let name = ShareName::new(group.clone(), *topic_id, *index);
                // Of a topic that is gone the state goes, too.
                if let Err(error) = self.parts.states.execute(Delete { name, exists: true }).await {
                    tracing::warn!("The state of share group {group} is not deleted: {error}");
                    return Err(say(crate::group::GroupError::CoordinatorNotAvailable));
                }
            }
        }
        groups.execute(client, ShareGroupForget { done: true, ..forget }).await.map_err(say)??;
        Ok(meant)
    }

    /// How many records behind a group's start are still to be done with: those behind, but for the ones that are. None
    /// where that is not known here.
    pub fn lag(&self, topic_id: &Uuid, partition: i32, summary: &Summary) -> Option<i64> {
        let partition = self.parts.replicas.partition_by_id(topic_id, partition).ok()?;
        if summary.start_offset < 0 || summary.delivery_complete_count < 0 {
            return None;
        }
        let behind = partition.high_watermark() - summary.start_offset - i64::from(summary.delivery_complete_count);
        Some(behind.max(0))
    }
}
