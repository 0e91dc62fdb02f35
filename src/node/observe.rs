//! What a scrape and a health check learn of the node beyond what is counted per request.

use super::Node;
use crate::replica::{Offsets, ReplicaManager};
use crate::telemetry::Metrics;
use std::fmt::Write as _;
use std::sync::Arc;

impl Node {
    /// Adds this node's figures to each scrape: they are computed then, not kept up to date.
    pub fn expose(&self, metrics: &Metrics) {
        let (replicas, metadata) = (self.replicas.clone(), self.metadata.clone());
        metrics.register_scrape(Box::new(move |text| {
            let image = metadata.current();
            gauge(text, "klamm_topics", "Topics in the cluster", image.topic_count());
            gauge(text, "klamm_metadata_offset", "The last metadata entry applied", image.applied().0);
            log_dirs(text, &replicas);
            partitions(text, &replicas);
            cleaner(text, &replicas);
        }));
    }

    /// A check of the node's health: this broker is in the cluster and not fenced, and a log directory works.
    pub fn health(&self) -> impl Fn() -> Result<String, String> + Send + Sync + 'static {
        let (replicas, metadata, node_id) = (self.replicas.clone(), self.metadata.clone(), self.node_id);
        move || {
            let image = metadata.current();
            let broker = image.broker(node_id).ok_or_else(|| format!("broker {node_id} is not registered\n"))?;
            if broker.fenced {
                return Err(format!("broker {node_id} is fenced\n"));
            }
            if replicas.online_dirs().is_empty() {
                return Err("no log directory is online; see the log for the disk's error\n".to_owned());
            }
            Ok("ok\n".to_owned())
        }
    }
}

fn cleaner(text: &mut String, replicas: &Arc<ReplicaManager>) {
    let report = replicas.cleaner_report();
    head(text, "klamm_log_cleaner_uncleanable_partitions", "Compacted partitions whose last cleaning failed");
    for (path, partitions, _) in &report.uncleanable {
        let _ = writeln!(text, "klamm_log_cleaner_uncleanable_partitions{{path=\"{}\"}} {partitions}", label(path));
    }
    head(text, "klamm_log_cleaner_uncleanable_bytes", "Bytes of theirs that wait to be cleaned");
    for (path, _, bytes) in &report.uncleanable {
        let _ = writeln!(text, "klamm_log_cleaner_uncleanable_bytes{{path=\"{}\"}} {bytes}", label(path));
    }
    let percent = report.max_dirty_percent;
    gauge(text, "klamm_log_cleaner_max_dirty_percent", "Dirty share of the dirtiest log in use", percent);
    let since_ms = report.since_last_run_ms.unwrap_or(-1);
    gauge(text, "klamm_log_cleaner_since_last_run_ms", "Since a log was looked at; -1 if none was", since_ms);
    counter(text, "klamm_log_cleaner_rounds", "Cleanings that came to their ends", report.rounds);
    counter(text, "klamm_log_cleaner_read_bytes", "Bytes of the segments that were cleaned", report.read_bytes);
    counter(text, "klamm_log_cleaner_written_bytes", "Bytes that were left of them", report.written_bytes);
}

fn counter(text: &mut String, name: &str, help: &str, value: u64) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} counter\n{name}_total {value}");
}

fn head(text: &mut String, name: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}.\n# TYPE {name} gauge");
}

fn gauge(text: &mut String, name: &str, help: &str, value: impl std::fmt::Display) {
    head(text, name, help);
    let _ = writeln!(text, "{name} {value}");
}

fn log_dirs(text: &mut String, replicas: &Arc<ReplicaManager>) {
    let dirs = replicas.log_dirs();
    head(text, "klamm_log_dir_online", "Whether a log directory's disk works");
    for dir in &dirs {
        let _ = writeln!(text, "klamm_log_dir_online{{path=\"{}\"}} {}", label(&dir.path), u8::from(dir.online));
    }
    head(text, "klamm_log_dir_usable_bytes", "Room left on a log directory's file system");
    for dir in &dirs {
        if let Some(space) = dir.space {
            let path = label(&dir.path);
            let _ = writeln!(text, "klamm_log_dir_usable_bytes{{path=\"{path}\"}} {}", space.usable_bytes);
        }
    }
}

/// A gauge's name and help, and what it is of a partition's offsets.
type Figure = (&'static str, &'static str, fn(&Offsets) -> i64);

fn partitions(text: &mut String, replicas: &Arc<ReplicaManager>) {
    let partitions = replicas.partitions();
    gauge(text, "klamm_partitions", "Partitions on this broker", partitions.len());
    let figures: [Figure; 3] = [
        ("klamm_partition_log_start_offset", "First offset", |offsets| offsets.log_start_offset),
        ("klamm_partition_high_watermark", "Offset behind the last committed record", |offsets| offsets.high_watermark),
        ("klamm_partition_log_end_offset", "Offset behind the last record", |offsets| offsets.log_end_offset),
    ];
    for (name, help, figure) in figures {
        head(text, name, help);
        for partition in &partitions {
            let (topic, index) = (&partition.name().topic, partition.name().partition);
            let value = figure(&partition.offsets());
            let _ = writeln!(text, "{name}{{topic=\"{topic}\",partition=\"{index}\"}} {value}");
        }
    }
}

/// A path as a label's value.
fn label(path: &std::path::Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
