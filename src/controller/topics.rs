//! Creating and deleting topics (M11, M13).

use super::partitions::{assigned, push_partitions};
use super::request::{CreateTopics, CreatedTopic, DeletedTopic, NewTopic, TopicRef};
use super::topic_names::CLUSTER_METADATA_TOPIC;
use super::{validate_topic_name, Controller, Draft, Refusal};
use crate::ids::Uuid;
use crate::metadata::configs::{ConfigResource, Overrides, ResourceType};
use crate::metadata::image::{MetadataImage, PartitionImage};
use crate::metadata::record::MetadataRecord;
use std::collections::{BTreeMap, BTreeSet};

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
        let mut seen: BTreeMap<Uuid, usize> = BTreeMap::new();
        let doubled_names = duplicates(topics.iter().filter_map(|topic| match topic {
            TopicRef::Name(name) => Some(name.as_str()),
            TopicRef::Id(_) => None,
        }));
        let mut results: Vec<DeletedTopic> = Vec::with_capacity(topics.len());
        let before = draft.image.clone();
        for topic in topics {
            let (found, mut answer) = match topic {
                TopicRef::Name(name) => {
                    if doubled_names.contains(name.as_str()) {
                        if !results.iter().any(|done| done.name.as_deref() == Some(name)) {
                            results.push(refused(Some(name), Uuid::nil(), invalid("Duplicate topic name.")));
                        }
                        continue;
                    }
                    (before.topic_by_name(name), refused(Some(name), Uuid::nil(), Refusal::unknown_topic()))
                }
                TopicRef::Id(id) if id.is_nil() => {
                    results.push(refused(None, *id, invalid("Neither topic name nor id were specified.")));
                    continue;
                }
                TopicRef::Id(id) => (before.topic_by_id(id), refused(None, *id, Refusal::UnknownTopicId)),
            };
            if !self.settings.delete_topic_enable {
                answer.result = Err(Refusal::TopicDeletionDisabled);
            } else if let Some(found) = found {
                if let Some(earlier) = seen.get(&found.id) {
                    let id_twice = matches!(topic, TopicRef::Id(_)) && results[*earlier].name.is_none();
                    let why = if id_twice {
                        "Duplicate topic id."
                    } else {
                        "The provided topic name maps to an ID that was already supplied."
                    };
                    answer.result = Err(invalid(why));
                } else {
                    seen.insert(found.id, results.len());
                    draft.push(MetadataRecord::RemoveTopic { topic_id: found.id });
                    answer = DeletedTopic { name: Some(found.name.to_string()), topic_id: found.id, result: Ok(()) };
                }
            }
            results.push(answer);
        }
        results
    }
}

fn invalid(why: &str) -> Refusal {
    Refusal::InvalidRequest(why.to_owned())
}

fn refused(name: Option<&String>, topic_id: Uuid, why: Refusal) -> DeletedTopic {
    DeletedTopic { name: name.cloned(), topic_id, result: Err(why) }
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
