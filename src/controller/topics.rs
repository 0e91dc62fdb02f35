//! Creating and deleting topics (M11, M13).

use super::partitions::{assigned, push_partitions};
use super::request::{CreateTopics, CreatedTopic, DeletedTopic, NewTopic, TopicRef};
use super::topic_names::CLUSTER_METADATA_TOPIC;
use super::{validate_topic_name, Controller, Draft, Refusal};
use crate::ids::Uuid;
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};
use crate::metadata::image::{MetadataImage, PartitionImage, TopicImage};
use crate::metadata::record::MetadataRecord;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most partitions that one request may add.
pub const MAX_NEW_PARTITIONS_PER_REQUEST: i64 = 10_000;

impl Controller {
    pub(super) fn create_topics(
        &self,
        draft: &mut Draft,
        request: &CreateTopics,
    ) -> Vec<(String, Result<CreatedTopic, Refusal>)> {
        let doubled = duplicates(request.topics.iter().map(|topic| topic.name.as_str()));
        let too_many = self.new_partitions(request) > MAX_NEW_PARTITIONS_PER_REQUEST;
        let before = (draft.records.len(), draft.image.clone());
        let mut answered: BTreeSet<&str> = BTreeSet::new();
        let mut results = Vec::with_capacity(request.topics.len());
        for topic in &request.topics {
            if !answered.insert(&topic.name) {
                continue;
            }
            let result = if topic.name == CLUSTER_METADATA_TOPIC {
                Err(Refusal::InvalidRequest(format!(
                    "Creation of internal topic {CLUSTER_METADATA_TOPIC} is prohibited."
                )))
            } else if doubled.contains(topic.name.as_str()) {
                Err(Refusal::InvalidRequest("Duplicate topic name.".to_owned()))
            } else if too_many {
                Err(Refusal::PolicyViolation("Excessively large number of partitions per request.".to_owned()))
            } else {
                self.create_topic(draft, topic)
            };
            results.push((topic.name.clone(), result));
        }
        if request.validate_only {
            draft.rewind(before.0, before.1);
        }
        results
    }

    /// How many partitions the whole request asks for. Sizes that are no sizes count as none: they are refused later.
    fn new_partitions(&self, request: &CreateTopics) -> i64 {
        let of_topic = |topic: &NewTopic| match topic.partitions {
            _ if !topic.assignments.is_empty() => topic.assignments.len() as i64,
            -1 => i64::from(self.settings.num_partitions),
            partitions => i64::from(partitions.max(0)),
        };
        request.topics.iter().map(of_topic).sum()
    }

    /// Judges in Kafka's order: name, existence, settings, then sizes.
    fn create_topic(&self, draft: &mut Draft, topic: &NewTopic) -> Result<CreatedTopic, Refusal> {
        validate_topic_name(&topic.name)?;
        if draft.image.topic_by_name(&topic.name).is_some() {
            return Err(Refusal::TopicAlreadyExists(format!("Topic '{}' already exists.", topic.name)));
        }
        // Kafka does not see a collision between two topics of one request; here the first wins.
        if let Some(existing) = draft.image.topic_colliding_with(&topic.name) {
            return Err(Refusal::InvalidTopic(format!(
                "Topic '{}' collides with existing topic: {existing}",
                topic.name
            )));
        }
        let configs = self.creation_configs(topic)?;
        let states = self.partitions_of_new_topic(&draft.image, topic)?;
        let created = CreatedTopic {
            topic_id: self.rng.uuid(),
            partitions: i32::try_from(states.len()).unwrap_or(i32::MAX),
            replication_factor: states.first().map_or(0, |state| state.replicas.len() as i16),
        };
        draft.push(MetadataRecord::Topic { name: topic.name.clone(), topic_id: created.topic_id });
        let resource = ConfigResource::new(ResourceType::Topic, topic.name.as_str());
        for (key, value) in configs {
            draft.push(MetadataRecord::Config { resource: resource.clone(), key, value: Some(value) });
        }
        push_partitions(draft, created.topic_id, 0, states);
        Ok(created)
    }

    fn creation_configs(&self, topic: &NewTopic) -> Result<Overrides, Refusal> {
        let resource = ConfigResource::new(ResourceType::Topic, topic.name.as_str());
        super::configs::refuse_null_values(ResourceType::Topic, &topic.configs)?;
        let set = |(key, value): &(String, Option<String>)| value.clone().map(|value| (key.clone(), value));
        let configs: Overrides = topic.configs.iter().filter_map(set).collect();
        super::configs::refuse_long_values(&topic.configs)?;
        self.settings.config_rules.validate(&resource, &configs, &topic.configs)?;
        Ok(configs)
    }

    fn partitions_of_new_topic(&self, image: &MetadataImage, topic: &NewTopic) -> Result<Vec<PartitionImage>, Refusal> {
        if !topic.assignments.is_empty() {
            return explicit_partitions(image, topic);
        }
        if topic.replication_factor < -1 || topic.replication_factor == 0 {
            return Err(Refusal::InvalidReplicationFactor(
                "Replication factor must be larger than 0, or -1 to use the default value.".to_owned(),
            ));
        }
        if topic.partitions < -1 || topic.partitions == 0 {
            return Err(Refusal::InvalidPartitions(
                "Number of partitions was set to an invalid non-positive value.".to_owned(),
            ));
        }
        let or_default = |asked: i32, default: i32| if asked == -1 { default } else { asked };
        let count = or_default(topic.partitions, self.settings.num_partitions);
        let factor = match topic.replication_factor {
            -1 => self.settings.default_replication_factor,
            factor => factor,
        };
        self.placed(image, count, factor)
    }

    pub(super) fn delete_topics(&self, draft: &mut Draft, topics: &[TopicRef]) -> Vec<DeletedTopic> {
        let mut seen = BTreeSet::new();
        let doubled: BTreeSet<&TopicRef> = topics.iter().filter(|topic| !seen.insert(*topic)).collect();
        let mut answered = BTreeSet::new();
        let mut deleted = BTreeSet::new();
        let mut results = Vec::with_capacity(topics.len());
        let before = draft.image.clone();
        for topic in topics.iter().filter(|topic| answered.insert(*topic)) {
            let found = match topic {
                TopicRef::Name(name) => before.topic_by_name(name),
                TopicRef::Id(id) => before.topic_by_id(id),
            };
            let judged = if doubled.contains(topic) { Err(twice(topic)) } else { self.judge_deletion(topic, found) };
            results.push(match judged {
                Ok(found) if deleted.insert(found.id) => {
                    draft.push(MetadataRecord::RemoveTopic { topic_id: found.id });
                    DeletedTopic { name: Some(found.name.to_string()), topic_id: found.id, result: Ok(()) }
                }
                Ok(_) => refused(topic, invalid("The provided topic name maps to an ID that was already supplied.")),
                Err(why) => refused(topic, why),
            });
        }
        results
    }

    fn judge_deletion<'a>(
        &self,
        topic: &TopicRef,
        found: Option<&'a Arc<TopicImage>>,
    ) -> Result<&'a Arc<TopicImage>, Refusal> {
        if !self.settings.delete_topic_enable {
            return Err(Refusal::TopicDeletionDisabled);
        }
        found.ok_or_else(|| match topic {
            TopicRef::Name(_) => Refusal::unknown_topic(),
            TopicRef::Id(id) if id.is_nil() => invalid("Neither topic name nor id were specified."),
            TopicRef::Id(_) => Refusal::UnknownTopicId,
        })
    }
}

fn twice(topic: &TopicRef) -> Refusal {
    invalid(match topic {
        TopicRef::Name(_) => "Duplicate topic name.",
        TopicRef::Id(_) => "Duplicate topic id.",
    })
}

/// A refusal names the topic as the caller did, and tells nothing more of it.
fn refused(topic: &TopicRef, why: Refusal) -> DeletedTopic {
    let (name, topic_id) = match topic {
        TopicRef::Name(name) => (Some(name.clone()), Uuid::nil()),
        TopicRef::Id(id) => (None, *id),
    };
    DeletedTopic { name, topic_id, result: Err(why) }
}

fn invalid(why: &str) -> Refusal {
    Refusal::InvalidRequest(why.to_owned())
}

fn explicit_partitions(image: &MetadataImage, topic: &NewTopic) -> Result<Vec<PartitionImage>, Refusal> {
    if topic.replication_factor != -1 {
        return Err(invalid("A manual partition assignment was specified, but replication factor was not set to -1."));
    }
    if topic.partitions != -1 {
        return Err(invalid("A manual partition assignment was specified, but numPartitions was not set to -1."));
    }
    let mut states: BTreeMap<i32, PartitionImage> = BTreeMap::new();
    let mut factor = None;
    for (index, replicas) in &topic.assignments {
        if states.contains_key(index) {
            return Err(Refusal::InvalidReplicaAssignment(format!(
                "Found multiple manual partition assignments for partition {index}"
            )));
        }
        states.insert(*index, assigned(image, *index, replicas, factor)?);
        factor = Some(replicas.len());
    }
    if (0..).zip(states.keys()).any(|(expected, index)| *index != expected) {
        return Err(Refusal::InvalidReplicaAssignment(
            "partitions should be a consecutive 0-based integer sequence".to_owned(),
        ));
    }
    Ok(states.into_values().collect())
}

/// The names that stand more than once.
pub(super) fn duplicates<'a>(names: impl Iterator<Item = &'a str>) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    names.filter(|name| !seen.insert(*name)).collect()
}
