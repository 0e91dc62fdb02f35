//! The command line. What it does stands in `main.rs` and in [`super::storage`]; here it is only read.

use super::environment::properties_of;
use super::load::Sources;
use super::properties::property_line;
use super::storage::{Format, StorageCommand, METADATA_VERSION};
use clap::{Arg, ArgAction, ArgGroup, ArgMatches};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug)]
pub enum Command {
    /// Start the node.
    Start(Sources),
    /// Work on log directories while the node is stopped.
    Storage(StorageCommand),
    /// Print the `KAFKA_*` environment as properties.
    EnvironmentProperties(BTreeMap<String, String>),
}

const AFTER_HELP: &str = "\
Configuration comes from four places, the later one holding over the earlier: built-in defaults, the properties file,
environment variables (KAFKA_LOG_RETENTION_MS is log.retention.ms, by the rule of the apache/kafka image) and --override.
Without any of them, one node that is broker and controller listens on localhost:9092 and keeps its data in ./data.
A log directory that was never formatted is formatted at start-up, with the cluster id in CLUSTER_ID or a new one.

Exit status: 0 after a clean stop, 1 where the configuration or a log directory cannot be used.";

fn option(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).help(help)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    option(name, help).action(ArgAction::SetTrue)
}

fn file(name: &'static str) -> Arg {
    Arg::new(name).value_parser(clap::value_parser!(PathBuf))
}

fn config_file() -> Arg {
    file("config").long("config").short('c').required(true).value_name("CONFIG").help("The configuration file")
}

fn format_line() -> clap::Command {
    clap::Command::new("format")
        .about("Formats the log directories of this node")
        .arg(option("cluster-id", "The cluster ID to use").short('t').required(true).value_name("CLUSTER_ID"))
        .arg(config_file())
        .arg(
            flag("ignore-formatted", "Passes over directories that are formatted already, instead of failing")
                .short('g'),
        )
        .arg(flag("standalone", "Makes this node the only controller of a new quorum").short('s'))
        .arg(flag("no-initial-controllers", "Formats this node without naming controllers").short('N'))
        .arg(
            option("initial-controllers", "The first controllers, as id@host:port:directory; for now this node alone")
                .short('I'),
        )
        .arg(
            option("release-version", "The release to format for; there is only one so far")
                .short('r')
                .value_parser(["4.3", METADATA_VERSION]),
        )
        .group(ArgGroup::new("controllers").args(["standalone", "no-initial-controllers", "initial-controllers"]))
}

fn line() -> clap::Command {
    let storage = clap::Command::new("storage")
        .about("Formats log directories, as kafka-storage.sh does")
        .subcommand_required(true)
        .subcommand(format_line())
        .subcommand(clap::Command::new("info").about("Prints what the log directories hold").arg(config_file()))
        .subcommand(clap::Command::new("random-uuid").about("Prints a random UUID"));
    clap::Command::new("klamm")
        .version(env!("CARGO_PKG_VERSION"))
        .about("A broker that speaks Apache Kafka's protocol")
        .after_help(AFTER_HELP)
        .disable_help_subcommand(true)
        .args_conflicts_with_subcommands(true)
        .arg(file("properties").value_name("server.properties").help("The configuration, as Java properties"))
        .arg(
            option("override", "Sets one key, over everything else; may be repeated")
                .value_name("KEY=VALUE")
                .action(ArgAction::Append),
        )
        .arg(
            file("defaults")
                .long("defaults")
                .value_name("FILE")
                .help("Properties that hold where nothing else says otherwise, in place of the built-in ones"),
        )
        .subcommand(storage)
        .subcommand(
            clap::Command::new("environment-properties")
                .about("Prints the KAFKA_* environment variables as a properties file"),
        )
}

fn format_arguments(matches: &ArgMatches) -> Format {
    let text = |name: &str| matches.get_one::<String>(name).cloned();
    Format {
        cluster_id: text("cluster-id").unwrap_or_default(),
        config: path(matches, "config").unwrap_or_default(),
        ignore_formatted: matches.get_flag("ignore-formatted"),
        standalone: matches.get_flag("standalone"),
        no_initial_controllers: matches.get_flag("no-initial-controllers"),
        initial_controllers: text("initial-controllers"),
    }
}

fn path(matches: &ArgMatches, name: &str) -> Option<PathBuf> {
    matches.get_one::<PathBuf>(name).cloned()
}

/// The environment as text; variables that are not UTF-8 are passed over.
pub fn environment(variables: impl IntoIterator<Item = (OsString, OsString)>) -> BTreeMap<String, String> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    variables.into_iter().filter_map(text).collect()
}

/// Reads the command line; `Err` also holds the text of `--help` and `--version` (see [`report`]).
pub fn interpret(
    arguments: impl IntoIterator<Item = OsString>,
    environment: BTreeMap<String, String>,
) -> Result<Command, clap::Error> {
    let matches = line().try_get_matches_from(arguments)?;
    Ok(match matches.subcommand() {
        Some(("environment-properties", _)) => Command::EnvironmentProperties(environment),
        Some(("storage", storage)) => Command::Storage(match storage.subcommand() {
            Some(("format", format)) => StorageCommand::Format(format_arguments(format)),
            Some(("info", info)) => StorageCommand::Info { config: path(info, "config").unwrap_or_default() },
            _ => StorageCommand::RandomUuid,
        }),
        _ => Command::Start(Sources {
            defaults: path(&matches, "defaults"),
            properties: path(&matches, "properties"),
            environment,
            overrides: matches.get_many::<String>("override").into_iter().flatten().cloned().collect(),
        }),
    })
}

/// Prints what [`interpret`] refused, or the help or version that was asked for, and gives the exit status.
pub fn report(refused: &clap::Error) -> i32 {
    // Nothing can be done about a terminal that is gone.
    let _ = refused.print();
    i32::from(refused.use_stderr())
}

/// The environment as the text of a properties file.
pub fn environment_properties(environment: &BTreeMap<String, String>) -> Result<String, String> {
    Ok(properties_of(environment)?.iter().map(|(key, value, _)| property_line(key, value)).collect())
}
