//! Golden scripts: requests line by line, and below each what the controller decided.
//!
//! A line that starts in the first column is a request (or a comment, `#`); the indented lines below it are recorded:
//! `+` a record, `=` the answer. `KLAMM_REWRITE_GOLDEN=1` writes them anew. Every decision is applied, one entry each.

use crate::config::values::BrokerValues;
use crate::controller::request::*;
use crate::controller::*;
use crate::ids::{uuid_to_text, NodeId, TopicPartition, Uuid};
use crate::metadata::broker::{Endpoint, SecurityProtocol};
use crate::metadata::configs::{ConfigResource, ResourceType};
use crate::metadata::image::PartitionImage;
use crate::metadata::partition::PartitionChange;
use crate::metadata::quotas::QuotaValue;
use std::collections::BTreeMap;
use std::fmt::{Debug, Write as _};
use std::path::Path;
use std::sync::Arc;

/// A controller, the image of what it decided, and a clock.
pub(super) struct World {
    pub(super) controller: Controller,
    pub(super) image: MetadataImage,
    pub(super) now: Now,
    out: String,
}

pub(super) fn settings() -> ControllerSettings {
    ControllerSettings {
        node_id: 1,
        num_partitions: 1,
        default_replication_factor: 1,
        delete_topic_enable: true,
        broker_session_timeout_ms: 9000,
        features: vec![
            FeatureSetting::new("metadata.version", 7, 30, 30),
            FeatureSetting::new("group.version", 0, 1, 0),
        ],
        config_rules: Arc::new(TableRules::new(BrokerValues::new(BTreeMap::new()))),
    }
}

impl World {
    pub(super) fn new(settings: ControllerSettings) -> Self {
        let controller = Controller::new(settings, Rng::from_seed(7));
        Self { controller, image: MetadataImage::new(), now: Now::default(), out: String::new() }
    }

    /// Decides and applies, as one entry.
    pub(super) fn ask(&mut self, request: Request) -> Decision {
        let offset = self.image.applied().0 + 1;
        let mut scratch = self.image.clone();
        scratch.begin_entry(offset, 1);
        let decision = self.controller.decide(&scratch, &request, self.now);
        if !decision.records.is_empty() {
            self.image.begin_entry(offset, 1);
            for record in &decision.records {
                self.image.apply(record).expect("decided records fit");
            }
        }
        decision
    }

    /// Registers a broker and lets it in.
    pub(super) fn broker_joins(&mut self, id: NodeId, rack: Option<&str>) {
        self.ask(register(id, id.unsigned_abs().into(), "c", rack));
        self.ask(Request::BrokerHeartbeat(self.heartbeat(id)));
    }

    fn heartbeat(&self, id: NodeId) -> BrokerHeartbeat {
        heartbeat(&self.image, id, self.image.applied().0)
    }

    fn line(&mut self, line: impl AsRef<str>) {
        writeln!(self.out, "  {}", line.as_ref()).expect("a String grows");
    }

    fn ask_and_show(&mut self, request: Request) {
        let before = self.image.clone();
        let decision = self.ask(request);
        let after = self.image.clone();
        for record in &decision.records {
            self.line(format!("+ {}", show_record(record, &before, &after)));
        }
        for answer in show_response(&decision.response) {
            self.line(format!("= {answer}"));
        }
    }

    fn run(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let validate_only = words.contains(&"validate");
        let (command, rest) = words.split_first().expect("a line has a word");
        let rest: Vec<&str> = rest.iter().copied().filter(|word| *word != "validate").collect();
        match *command {
            "bootstrap" => self.ask_and_show(Request::Bootstrap { cluster_id: rest[0].to_owned() }),
            "register" | "join" => self.register_line(command, &rest),
            "heartbeat" => {
                let mut beat = self.heartbeat(number(rest[0]));
                for word in &rest[1..] {
                    match word.split_once('=') {
                        Some(("epoch", value)) => beat.broker_epoch = number(value),
                        Some(("offset", value)) => beat.current_metadata_offset = number(value),
                        _ if *word == "fence" => beat.want_fence = true,
                        _ => beat.want_shut_down = true,
                    }
                }
                self.ask_and_show(Request::BrokerHeartbeat(beat));
            }
            "unregister" => self.ask_and_show(Request::UnregisterBroker { broker_id: number(rest[0]) }),
            "stale" => self.ask_and_show(Request::FenceStaleBrokers),
            "tick" => self.now.mono_ms += number::<i64>(rest[0]),
            "active" => self.controller.became_active(&self.image, self.now),
            "set" => self.set(&rest),
            "ids" => {
                let broker_id = number(rest[0]);
                let broker_epoch = self.heartbeat(broker_id).broker_epoch + i64::from(rest.contains(&"stale"));
                self.ask_and_show(Request::AllocateProducerIds { broker_id, broker_epoch });
            }
            "feature" => {
                let upgrade_type = match rest.get(2) {
                    Some(&"safe") => UpgradeType::SafeDowngrade,
                    _ => UpgradeType::Upgrade,
                };
                let update = FeatureUpdate { feature: rest[0].to_owned(), level: number(rest[1]), upgrade_type };
                self.ask_and_show(Request::UpdateFeatures { updates: vec![update], validate_only });
            }
            _ => self.run_admin(command, &rest, validate_only),
        }
    }

    fn register_line(&mut self, command: &str, rest: &[&str]) {
        let id: NodeId = number(rest[0]);
        let option = |key: &str| rest.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='));
        let incarnation = option("incarnation").map_or(u128::from(id.unsigned_abs()), number);
        let mut request = register(id, incarnation, option("cluster").unwrap_or("c"), option("rack"));
        if let (Request::RegisterBroker(request), Some(dirs)) = (&mut request, option("dirs")) {
            request.log_dirs = (0..number::<u128>(dirs)).map(|dir| Uuid::from_u128(1000 + dir)).collect();
        }
        if let (Request::RegisterBroker(request), Some(max)) = (&mut request, option("metadata.version")) {
            request.features[0].2 = number(max);
        }
        if command == "join" {
            self.ask(request);
            self.ask(Request::BrokerHeartbeat(self.heartbeat(id)));
        } else {
            self.ask_and_show(request);
        }
    }

    fn set(&mut self, rest: &[&str]) {
        let settings = &mut self.controller.settings;
        match rest[0] {
            "delete.topic.enable" => settings.delete_topic_enable = rest[1] == "true",
            "num.partitions" => settings.num_partitions = number(rest[1]),
            "default.replication.factor" => settings.default_replication_factor = number(rest[1]),
            other => panic!("no setting {other}"),
        }
    }

    fn run_admin(&mut self, command: &str, rest: &[&str], validate_only: bool) {
        match command {
            "create" => {
                let topics = rest.iter().map(|word| new_topic(word)).collect();
                self.ask_and_show(Request::CreateTopics(CreateTopics { topics, validate_only }));
            }
            "delete" => {
                let topic = |word: &&str| match word.strip_prefix("id:") {
                    Some("unknown") => TopicRef::Id(Uuid::from_u128(99)),
                    Some("nil") => TopicRef::Id(Uuid::nil()),
                    Some(name) => TopicRef::Id(self.image.topic_by_name(name).expect("known").id),
                    None => TopicRef::Name((*word).to_owned()),
                };
                let topics = rest.iter().map(topic).collect();
                self.ask_and_show(Request::DeleteTopics { topics });
            }
            "partitions" => {
                let topics = rest.iter().map(|word| more_partitions(word)).collect();
                self.ask_and_show(Request::CreatePartitions(CreatePartitions { topics, validate_only }));
            }
            "alter" => {
                let resources = by_resource(rest, config_change);
                self.ask_and_show(Request::IncrementalAlterConfigs { resources, validate_only });
            }
            "replace" => {
                let resources = by_resource(rest, setting);
                self.ask_and_show(Request::AlterConfigs { resources, validate_only });
            }
            "topic" => {
                let topic = self.image.topic_by_name(rest[0]).expect("known").clone();
                for (index, partition) in topic.partitions.iter().enumerate() {
                    self.line(format!("{index}: {}", show_partition(partition)));
                }
                let configs = self.image.topic_config(rest[0]).clone();
                self.line(format!("{configs:?}"));
            }
            other => self.run_later_admin(other, rest, validate_only),
        }
    }

    fn run_later_admin(&mut self, command: &str, rest: &[&str], validate_only: bool) {
        match command {
            "elect" | "elect-unclean" => {
                let partition = |word: &&str| {
                    let (topic, index) = word.rsplit_once('-').expect("topic-index");
                    TopicPartition::new(topic, number(index))
                };
                let partitions = (rest != ["all"]).then(|| rest.iter().map(partition).collect());
                self.ask_and_show(Request::ElectLeaders { partitions, unclean: command == "elect-unclean" });
            }
            "reassign" | "reassign-same-factor" => {
                let partitions = rest.iter().map(|word| reassign(word)).collect();
                let allow_replication_factor_change = command == "reassign";
                self.ask_and_show(Request::Reassign(Reassign { partitions, allow_replication_factor_change }));
            }
            "isr" => {
                // What AlterPartition will do: here by hand.
                let (name, index) = rest[0].rsplit_once('-').expect("topic-index");
                let topic_id = self.image.topic_by_name(name).expect("known").id;
                let change = PartitionChange { isr: Some(nodes(rest[1])), ..PartitionChange::default() };
                let record = MetadataRecord::PartitionChange { topic_id, partition: number(index), change };
                self.image.apply(&record).expect("it fits");
            }
            "quota" => {
                let alterations = rest.iter().map(|word| quota(word)).collect();
                self.ask_and_show(Request::AlterClientQuotas { alterations, validate_only });
            }
            "scram" => self.ask_and_show(Request::AlterScramCredentials(scram(rest))),
            other => panic!("no command {other}"),
        }
    }
}

/// Runs a script and compares what it records.
pub(super) fn check(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/controller/testdata").join(name);
    let script = std::fs::read_to_string(&path).expect("the script is there");
    let mut world = World::new(settings());
    for line in script.lines().filter(|line| !line.starts_with("  ")) {
        world.out.push_str(line);
        world.out.push('\n');
        if !line.is_empty() && !line.starts_with('#') {
            world.run(line);
        }
    }
    if std::env::var_os("KLAMM_REWRITE_GOLDEN").is_some() {
        std::fs::write(&path, &world.out).expect("the script is written");
        return;
    }
    let first = script.lines().zip(world.out.lines()).position(|(recorded, got)| recorded != got);
    assert!(script == world.out, "{name} differs from line {:?} on; got:\n{}", first.map(|at| at + 1), world.out);
}

fn number<T: std::str::FromStr<Err: Debug>>(word: &str) -> T {
    word.parse().expect("a number")
}

pub(super) fn heartbeat(image: &MetadataImage, id: NodeId, current_metadata_offset: i64) -> BrokerHeartbeat {
    let broker_epoch = image.broker(id).map_or(-1, |broker| broker.epoch);
    let (want_fence, want_shut_down) = (false, false);
    BrokerHeartbeat { broker_id: id, broker_epoch, current_metadata_offset, want_fence, want_shut_down }
}

pub(super) fn register(id: NodeId, incarnation: u128, cluster: &str, rack: Option<&str>) -> Request {
    Request::RegisterBroker(RegisterBroker {
        broker_id: id,
        cluster_id: cluster.to_owned(),
        incarnation: Uuid::from_u128(incarnation),
        endpoints: vec![Endpoint {
            listener: "PLAINTEXT".to_owned(),
            host: format!("host-{id}"),
            port: 9092,
            security_protocol: SecurityProtocol::Plaintext,
        }],
        rack: rack.map(str::to_owned),
        log_dirs: vec![Uuid::from_u128(100 + u128::from(id.unsigned_abs()))],
        features: vec![("metadata.version".to_owned(), 7, 30)],
    })
}

fn nodes(text: &str) -> Vec<NodeId> {
    text.split(',').filter(|word| !word.is_empty()).map(number).collect()
}

/// `%` stands for a blank, `~` for an absent value.
fn setting(word: &str) -> Setting {
    let (key, value) = word.split_once('=').unwrap_or((word, ""));
    (key.to_owned(), (value != "~").then(|| value.replace('%', " ")))
}

/// `name/partitions/replication factor[/key=value…]` or `name/@index:replica,replica[;index:…][/key=value…]`; `*n` behind
/// the name repeats a character.
fn new_topic(word: &str) -> NewTopic {
    let mut parts = word.split('/');
    let name = parts.next().expect("a name");
    let name = match name.split_once('*') {
        Some((text, count)) => text.repeat(number(count)),
        None => name.replace('%', " "),
    };
    let mut topic =
        NewTopic { name, partitions: -1, replication_factor: -1, assignments: Vec::new(), configs: Vec::new() };
    let mut numbers = 0;
    for part in parts {
        if let Some(assignments) = part.strip_prefix('@') {
            let one = |text: &str| text.split_once(':').map(|(index, replicas)| (number(index), nodes(replicas)));
            topic.assignments = assignments.split(';').filter_map(one).collect();
        } else if part.contains('=') {
            topic.configs.push(setting(part));
        } else {
            match numbers {
                0 => topic.partitions = number(part),
                _ => topic.replication_factor = number(part),
            }
            numbers += 1;
        }
    }
    topic
}

/// `name/count[/@replica,replica;…]`.
fn more_partitions(word: &str) -> MorePartitions {
    let parts: Vec<&str> = word.split('/').collect();
    let assignments = parts.get(2).map(|text| text.trim_start_matches('@').split(';').map(nodes).collect());
    MorePartitions { name: parts[0].to_owned(), count: number(parts[1]), assignments }
}

/// `topic-index:replica,replica`, or `topic-index:cancel`.
fn reassign(word: &str) -> ReassignPartition {
    let (name, replicas) = word.split_once(':').expect("a partition and its replicas");
    let (topic, index) = name.rsplit_once('-').expect("topic-index");
    let replicas = (replicas != "cancel").then(|| nodes(replicas));
    ReassignPartition { topic: topic.to_owned(), partition: number(index), replicas }
}

/// `kind=name&kind=name/key=value/!key`; `*` is the default's name, `%` an empty one.
fn quota(word: &str) -> QuotaAlteration {
    let mut parts = word.split('/');
    let entity = parts.next().expect("an entity").split('&').filter(|part| !part.is_empty());
    let entity = entity.map(|part| {
        let (kind, name) = part.split_once('=').expect("kind=name");
        (kind.to_owned(), (name != "*").then(|| name.replace('%', "")))
    });
    let operation = |text: &str| match text.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(QuotaValue(number(value)))),
        None => (text.trim_start_matches('!').to_owned(), None),
    };
    QuotaAlteration { entity: entity.collect(), operations: parts.map(operation).collect() }
}

/// `+user/mechanism/iterations`, `-user/mechanism`.
fn scram(words: &[&str]) -> ScramAlteration {
    let mut alteration = ScramAlteration::default();
    for word in words {
        let parts: Vec<&str> = word[1..].split('/').collect();
        let (user, mechanism) = (parts[0].to_owned(), number(parts[1]));
        match word.starts_with('+') {
            // Of RFC 7677's example: user "user", password "pencil".
            true => alteration.upsertions.push(ScramUpsertion {
                user,
                mechanism,
                iterations: number(parts[2]),
                salt: SALT.to_vec(),
                salted_password: SALTED_PASSWORD.to_vec(),
            }),
            false => alteration.deletions.push(ScramDeletion { user, mechanism }),
        }
    }
    alteration
}

/// RFC 7677's salt `W22ZaJ0SNY7soEsUEjb6gQ==`.
const SALT: &[u8] = &[0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
/// What 4096 iterations of SHA-256 make of it and of the password `pencil`.
const SALTED_PASSWORD: &[u8] = &[
    0xc4, 0xa4, 0x95, 0x10, 0x32, 0x3a, 0xb4, 0xf9, 0x52, 0xca, 0xc1, 0xfa, 0x99, 0x44, 0x19, 0x39, 0xe7, 0x8e, 0xa7,
    0x4d, 0x6b, 0xe8, 0x1d, 0xdf, 0x70, 0x96, 0xe8, 0x75, 0x13, 0xdc, 0x61, 0x5d,
];

/// `key=value`, `+key=value`, `-key=value`, `!key`.
fn config_change(word: &str) -> ConfigChange {
    let (operation, rest) = match word.split_at(1) {
        ("+", rest) => (ConfigOperation::Append, rest),
        ("-", rest) => (ConfigOperation::Subtract, rest),
        ("!", rest) => (ConfigOperation::Delete, rest),
        _ => (ConfigOperation::Set, word),
    };
    let (key, value) = setting(rest);
    ConfigChange { key, operation, value }
}

/// `topic:name`, `broker:1`, `broker:`, `group:g`, `metrics:m`, each followed by its changes.
fn by_resource<T>(words: &[&str], read: impl Fn(&str) -> T) -> Vec<(ConfigResource, Vec<T>)> {
    let mut resources: Vec<(ConfigResource, Vec<T>)> = Vec::new();
    for word in words {
        let resource = word.split_once(':').and_then(|(kind, name)| {
            let resource_type = match kind {
                "topic" => ResourceType::Topic,
                "broker" => ResourceType::Broker,
                "group" => ResourceType::Group,
                "metrics" => ResourceType::ClientMetrics,
                _ => return None,
            };
            Some(ConfigResource::new(resource_type, name.replace('%', " ")))
        });
        match resource {
            Some(resource) => resources.push((resource, Vec::new())),
            None => resources.last_mut().expect("a resource first").1.push(read(word)),
        }
    }
    resources
}

fn show_partition(partition: &PartitionImage) -> String {
    format!(
        "replicas {:?} isr {:?} leader {} epoch {} partition epoch {} dirs {:?}",
        partition.replicas,
        partition.isr,
        partition.leader,
        partition.leader_epoch,
        partition.partition_epoch,
        partition.directories.iter().map(|id| id.as_u128()).collect::<Vec<_>>()
    )
}

fn show_change(change: &PartitionChange) -> String {
    let list = |name: &str, nodes: &Option<Vec<NodeId>>| match nodes {
        Some(nodes) => format!(" {name} {nodes:?}"),
        None => String::new(),
    };
    let leader = change.leader.map_or(String::new(), |leader| format!(" leader {leader}"));
    let (replicas, isr) = (list("replicas", &change.replicas), list("isr", &change.isr));
    let (adding, removing) = (list("adding", &change.adding_replicas), list("removing", &change.removing_replicas));
    format!("{replicas}{isr}{leader}{adding}{removing}")
}

fn show_record(record: &MetadataRecord, before: &MetadataImage, after: &MetadataImage) -> String {
    let name = |id: &Uuid| {
        let topic = after.topic_by_id(id).or_else(|| before.topic_by_id(id));
        topic.map_or_else(|| uuid_to_text(id), |topic| topic.name.to_string())
    };
    match record {
        MetadataRecord::Topic { name, .. } => format!("topic {name}"),
        MetadataRecord::Partition { topic_id, partition, state } => {
            format!("partition {}-{partition}: {}", name(topic_id), show_partition(state))
        }
        MetadataRecord::PartitionChange { topic_id, partition, change } => {
            format!("change {}-{partition}:{}", name(topic_id), show_change(change))
        }
        MetadataRecord::RemoveTopic { topic_id } => format!("remove topic {}", name(topic_id)),
        MetadataRecord::Config { resource, key, value } => {
            let value = value.as_deref().map_or_else(|| "removed".to_owned(), |value| format!("= {value:?}"));
            format!("config {:?} {:?}: {key} {value}", resource.resource_type, resource.name)
        }
        MetadataRecord::RegisterBroker(broker) => format!(
            "register broker {} epoch {} incarnation {} rack {:?} fenced {}",
            broker.id,
            broker.epoch,
            broker.incarnation.as_u128(),
            broker.rack,
            broker.fenced
        ),
        MetadataRecord::ClientQuota { entity, key, value } => {
            let parts: Vec<_> = entity.parts().map(|(kind, name)| format!("{kind}={:?}", name.as_option())).collect();
            format!("quota {}: {key} {:?}", parts.join(" "), value.map(|value| value.0))
        }
        MetadataRecord::UserScramCredential { user, mechanism, credential } => {
            let keys = credential.as_ref().map(|credential| {
                use base64::Engine as _;
                let text = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
                let (stored, server) = (text(&credential.stored_key), text(&credential.server_key));
                format!("iterations {} stored {stored} server {server}", credential.iterations)
            });
            format!("credential {user} {mechanism:?}: {keys:?}")
        }
        other => format!("{other:?}"),
    }
}

fn show_response(response: &Response) -> Vec<String> {
    fn result<T: Debug>(result: &Result<T, Refusal>) -> String {
        match result {
            Ok(value) => format!("{value:?}"),
            Err(refusal) => {
                let word = format!("{refusal:?}");
                let word: String = word.chars().take_while(|c| c.is_alphanumeric()).collect();
                format!("{word}: {refusal}")
            }
        }
    }
    match response {
        Response::CreateTopics(topics) => topics
            .iter()
            .map(|(name, created)| {
                let created = created.as_ref().map(|topic| (topic.partitions, topic.replication_factor));
                format!("{name}: {}", result(&created.map_err(Clone::clone)))
            })
            .collect(),
        Response::DeleteTopics(topics) => {
            topics.iter().map(|topic| format!("{:?}: {}", topic.name, result(&topic.result))).collect()
        }
        Response::CreatePartitions(topics) => {
            topics.iter().map(|(name, done)| format!("{name}: {}", result(done))).collect()
        }
        Response::IncrementalAlterConfigs(done) | Response::AlterConfigs(done) => done
            .iter()
            .map(|(resource, done)| format!("{:?} {:?}: {}", resource.resource_type, resource.name, result(done)))
            .collect(),
        Response::Bootstrap(done) | Response::UnregisterBroker(done) | Response::UpdateFeatures(done) => {
            vec![result(done)]
        }
        Response::AllocateProducerIds(done) => vec![result(done)],
        Response::RegisterBroker(done) => vec![result(done)],
        Response::BrokerHeartbeat(done) => vec![result(done)],
        Response::FenceStaleBrokers(brokers) => vec![format!("{brokers:?}")],
        Response::ElectLeaders(done) => done.iter().map(|(name, done)| format!("{name}: {}", result(done))).collect(),
        Response::Reassign(done) | Response::AlterClientQuotas(done) => done.iter().map(result).collect(),
        Response::AlterScramCredentials(done) => {
            done.iter().map(|(user, done)| format!("{user}: {}", result(done))).collect()
        }
    }
}
