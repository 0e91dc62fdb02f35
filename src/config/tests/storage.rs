//! Formatting, locking and checking log directories; the command line around it.

use crate::config::cli::{environment_properties, interpret, Command};
use crate::config::load::{load, Sources};
use crate::config::meta_properties::{open, MetaProperties, META_PROPERTIES};
use crate::config::storage::{run, StorageCommand};
use crate::config::BrokerConfig;
use crate::disk::real::RealDisk;
use crate::disk::sim::SimDisk;
use crate::disk::Disk;
use crate::ids::uuid_from_text;
use crate::rng::Rng;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const CLUSTER: &str = "MkU3OEVBNTcwNTJENDM2Qk";

fn config(overrides: &[&str]) -> BrokerConfig {
    let mut all = vec!["log.dirs=/a,/b".to_string()];
    all.extend(overrides.iter().map(|text| text.to_string()));
    load(&Sources { overrides: all, ..Sources::default() }).unwrap().config
}

fn sim() -> (Arc<SimDisk>, Rng) {
    let rng = Rng::from_seed(7);
    (SimDisk::new(rng.fork()), rng)
}

fn write(disk: &dyn Disk, directory: &str, text: &str) {
    disk.create_dir_all(Path::new(directory)).unwrap();
    disk.replace(&Path::new(directory).join(META_PROPERTIES), text.as_bytes()).unwrap();
}

fn error(disk: &SimDisk, rng: &Rng, wanted: Option<&str>) -> String {
    open(disk, &config(&[]), wanted, rng).err().unwrap().to_string()
}

#[test]
fn a_new_node_is_formatted_at_start_and_keeps_its_ids() {
    let (disk, rng) = sim();
    let first = open(&*disk, &config(&[]), None, &rng).unwrap();
    assert_eq!(first.cluster_id.len(), 22);
    assert_eq!(first.formatted.len(), 2);
    let ids: Vec<_> = first.directories.iter().map(|directory| directory.id).collect();
    assert_ne!(ids[0], ids[1]);
    let cluster = first.cluster_id.clone();
    drop(first);
    disk.crash();
    let again = open(&*disk, &config(&[]), None, &rng).unwrap();
    assert_eq!(again.cluster_id, cluster, "formatting is durable");
    assert_eq!(again.directories.iter().map(|directory| directory.id).collect::<Vec<_>>(), ids);
    assert!(again.formatted.is_empty());
}

#[test]
fn the_environments_cluster_id_names_a_new_cluster() {
    let (disk, rng) = sim();
    assert_eq!(open(&*disk, &config(&[]), Some(CLUSTER), &rng).unwrap().cluster_id, CLUSTER);
    let other = error(&disk, &rng, Some("5L6g3nShT-eMCtK--X86sw"));
    assert_eq!(
        other,
        "Invalid cluster.id in: /a/meta.properties. Expected 5L6g3nShT-eMCtK--X86sw, but read MkU3OEVBNTcwNTJENDM2Qk"
    );
}

#[test]
fn another_nodes_directory_is_refused_naming_both() {
    let (disk, rng) = sim();
    write(&*disk, "/b", &MetaProperties::new(CLUSTER, 2, rng.uuid()).text());
    let refused = error(&disk, &rng, None);
    let start = "Stored node id 2 doesn't match previous node id 1 in /b/meta.properties.";
    assert!(refused.starts_with(start), "{refused}");
}

#[test]
fn directories_of_two_clusters_are_refused() {
    let (disk, rng) = sim();
    write(&*disk, "/a", &MetaProperties::new(CLUSTER, 1, rng.uuid()).text());
    write(&*disk, "/b", &MetaProperties::new("other", 1, rng.uuid()).text());
    assert!(error(&disk, &rng, None).ends_with(&format!("Expected {CLUSTER}, but read other")));
}

#[test]
fn a_copied_directory_is_refused() {
    let (disk, rng) = sim();
    let text = MetaProperties::new(CLUSTER, 1, rng.uuid()).text();
    write(&*disk, "/a", &text);
    write(&*disk, "/b", &text);
    assert!(error(&disk, &rng, None).starts_with("Duplicate directory.id"));
}

#[test]
fn a_directory_of_the_stock_tool_is_taken_as_it_is() {
    let (disk, rng) = sim();
    let stock = "#\n#Sat Nov 21 07:11:44 UTC 2026\nnode.id=1\ndirectory.id=B2adWGMxtFWB3vv6c2BGtA\nversion=1\n\
                 cluster.id=MkU3OEVBNTcwNTJENDM2Qk\n";
    write(&*disk, "/a", stock);
    let opened = open(&*disk, &config(&["log.dirs=/a"]), Some(CLUSTER), &rng).unwrap();
    assert_eq!(opened.cluster_id, CLUSTER);
    assert_eq!(Some(opened.directories[0].id), uuid_from_text("B2adWGMxtFWB3vv6c2BGtA"));
    assert_eq!(disk.read(&Path::new("/a").join(META_PROPERTIES)).unwrap(), stock.as_bytes(), "and is not rewritten");
}

#[test]
fn a_directory_without_id_gets_one_and_keeps_its_other_keys() {
    let (disk, rng) = sim();
    write(&*disk, "/a", "version=1\ncluster.id=old\nnode.id=1\nmy.key=kept\n");
    let opened = open(&*disk, &config(&["log.dirs=/a"]), None, &rng).unwrap();
    let text = String::from_utf8(disk.read(&Path::new("/a").join(META_PROPERTIES)).unwrap()).unwrap();
    assert!(text.contains("my.key=kept") && text.contains("directory.id="), "{text}");
    assert!(opened.formatted.is_empty());
}

#[test]
fn a_malformed_file_is_named() {
    for (text, expected) in [
        ("version=0\nbroker.id=1\ncluster.id=x\n", "ZooKeeper"),
        ("version=1\nnode.id=1\n", "cluster.id is missing"),
        ("version=1\ncluster.id=x\n", "node.id is missing"),
        ("version=1\ncluster.id=x\nnode.id=one\n", "node.id=one is no node id"),
        ("version=1\ncluster.id=x\nnode.id=1\ndirectory.id=short\n", "directory.id=short is no UUID"),
        ("version=\\u1", "Malformed"),
    ] {
        let (disk, rng) = sim();
        write(&*disk, "/a", text);
        let refused = error(&disk, &rng, None);
        assert!(refused.starts_with("Cannot use /a/meta.properties: ") && refused.contains(expected), "{refused}");
    }
}

#[test]
fn two_processes_cannot_share_a_directory() {
    let (disk, rng) = sim();
    let held = open(&*disk, &config(&[]), None, &rng).unwrap();
    assert!(error(&disk, &rng, None).starts_with("Failed to acquire lock on file .lock in /a."));
    drop(held);
    assert!(open(&*disk, &config(&[]), None, &rng).is_ok());
}

#[test]
fn a_metadata_directory_of_its_own_is_formatted_too() {
    let (disk, rng) = sim();
    let opened = open(&*disk, &config(&["metadata.log.dir=/m"]), None, &rng).unwrap();
    assert_eq!(opened.directories.len(), 3);
    assert!(disk.entry(Path::new("/m/meta.properties")).unwrap().is_some());
}

fn klamm(arguments: &[&str]) -> (Result<i32, String>, String) {
    let line = std::iter::once("klamm").chain(arguments.iter().copied()).map(Into::into);
    let Command::Storage(command) = interpret(line, BTreeMap::new()).unwrap() else { panic!("no storage command") };
    let mut out = Vec::new();
    let done = run(&command, &*RealDisk::new(), &Rng::from_seed(1), &mut out).map_err(|error| error.to_string());
    (done, String::from_utf8(out).unwrap())
}

/// The expected texts are what kafka-storage.sh of Kafka 4.3.1 prints, but for its line of bootstrap records.
#[test]
fn format_speaks_as_the_stock_tool_does() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let file = at("server.properties");
    let base = format!("node.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\nlog.dirs={},{}\n", at("c"), at("d"));
    std::fs::write(&file, format!("{base}controller.quorum.voters=1@localhost:9093\n")).unwrap();
    let format = ["storage", "format", "-t", CLUSTER, "-c", &file];
    let (done, out) = klamm(&format);
    assert_eq!(done, Ok(0));
    assert_eq!(
        out,
        format!(
            "Formatting data directory {} with metadata.version 4.3-IV0.\n\
             Formatting metadata directory {} with metadata.version 4.3-IV0.\n",
            at("d"),
            at("c")
        )
    );
    let refused = format!(
        "Log directory {} is already formatted. Use --ignore-formatted to ignore this directory and format the others.",
        at("c")
    );
    assert_eq!(klamm(&format).0, Err(refused));
    let again = ["storage", "format", "-c", &file, "--ignore-formatted", "--cluster-id", CLUSTER];
    assert_eq!(klamm(&again), (Ok(0), "All of the log directories are already formatted.\n".into()));
    std::fs::remove_dir_all(at("d")).unwrap();
    assert_eq!(klamm(&["storage", "info", "-c", &file]).0, Ok(1));
    assert_eq!(klamm(&again).0, Ok(0));
    let (done, out) = klamm(&["storage", "info", "-c", &file]);
    assert_eq!(done, Ok(0));
    assert!(
        out.starts_with(&format!(
            "Found log directories:\n  {}\n  {}\n\nFound metadata: {{cluster.id={CLUSTER}, directory.id=",
            at("c"),
            at("d")
        )),
        "{out}"
    );
    let other = klamm(&["storage", "format", "-t", "5L6g3nShT-eMCtK--X86sw", "-c", &file, "-g"]).0.unwrap_err();
    assert!(other.ends_with("Expected 5L6g3nShT-eMCtK--X86sw, but read MkU3OEVBNTcwNTJENDM2Qk"), "{other}");
}

#[test]
fn a_quorum_without_voters_wants_its_first_controllers() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).display().to_string();
    let file = at("server.properties");
    let text = format!(
        "node.id=1\nlisteners=PLAINTEXT://:9092,CONTROLLER://:9093\nlog.dirs={}\n\
         controller.quorum.bootstrap.servers=localhost:9093\n",
        at("a")
    );
    std::fs::write(&file, text).unwrap();
    let format = ["storage", "format", "-t", CLUSTER, "-c", &file];
    assert!(klamm(&format).0.unwrap_err().contains("you must specify one of the following: --standalone"));
    let (done, out) = klamm(&[&format[..], &["--standalone"]].concat());
    assert_eq!(done, Ok(0));
    assert!(out.starts_with("Formatting dynamic metadata voter directory "), "{out}");
    let several = "1@a:1:B2adWGMxtFWB3vv6c2BGtA,2@b:1:B2adWGMxtFWB3vv6c2BGtA";
    let refused = klamm(&[&format[..], &["-g", "--initial-controllers", several]].concat()).0;
    assert!(refused.unwrap_err().contains("expected this node alone"));
}

#[test]
fn random_uuid_prints_a_uuid() {
    let (done, out) = klamm(&["storage", "random-uuid"]);
    assert_eq!(done, Ok(0));
    assert!(uuid_from_text(out.trim_end()).is_some() && out.ends_with('\n'));
}

#[test]
fn the_command_line_is_kafkas() {
    let read = |arguments: &[&str]| {
        interpret(std::iter::once("klamm").chain(arguments.iter().copied()).map(Into::into), BTreeMap::new())
    };
    let Command::Start(sources) = read(&["server.properties", "--override", "a=b", "--override", "c=d=e"]).unwrap()
    else {
        panic!("no start")
    };
    assert_eq!(sources.properties.unwrap(), Path::new("server.properties"));
    assert_eq!(sources.overrides, ["a=b", "c=d=e"]);
    assert!(matches!(read(&[]).unwrap(), Command::Start(_)));
    assert!(matches!(read(&["storage", "random-uuid"]).unwrap(), Command::Storage(StorageCommand::RandomUuid)));
    assert!(read(&["--version"]).unwrap_err().to_string().starts_with("klamm "));
    assert!(read(&["storage", "format", "-c", "x"]).unwrap_err().use_stderr());
    assert!(read(&["storage", "format", "-t", "x", "-c", "x", "-s", "-N"]).is_err());
    assert!(read(&["--nonsense"]).is_err());
}

#[test]
fn the_environment_prints_as_properties() {
    let environment = BTreeMap::from([
        ("KAFKA_A_B".to_string(), "x\\\\y".to_string()),
        ("KAFKA_HEAP_OPTS".to_string(), "z".to_string()),
        ("PATH".to_string(), "z".to_string()),
    ]);
    assert_eq!(environment_properties(&environment).unwrap(), "a.b=x\\\\y\n");
}
