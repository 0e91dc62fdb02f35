//! Environment variables as configuration, by the rule of the `apache/kafka` image: `KAFKA_LOG_RETENTION_MS` is
//! `log.retention.ms`.

use super::properties::parse_properties;
use std::collections::BTreeMap;

const PREFIX: &str = "KAFKA_";

/// Variables that begin with the prefix and are about the Java process, not the broker.
const EXCLUDED: &[&str] = &[
    "KAFKA_GC_LOG_OPTS",
    "KAFKA_HEAP_OPTS",
    "KAFKA_JMX_HOSTNAME",
    "KAFKA_JMX_OPTS",
    "KAFKA_JVM_PERFORMANCE_OPTS",
    "KAFKA_LOG4J_LOGGERS",
    "KAFKA_LOG4J_OPTS",
    "KAFKA_LOG4J_ROOT_LOGLEVEL",
    "KAFKA_OPTS",
    "KAFKA_TOOLS_LOG4J_LOGLEVEL",
    "KAFKA_VERSION",
];

/// The variable that names the cluster. It is no property.
pub const CLUSTER_ID: &str = "CLUSTER_ID";

/// The key that a variable stands for, `None` where it stands for none.
///
/// One underscore is a dot, two are an underscore, three a hyphen; the replacements run in this order over the whole
/// name, so four are a hyphen and a dot, five a hyphen and an underscore, six two hyphens.
pub fn key_of(variable: &str) -> Option<String> {
    let name = variable.strip_prefix(PREFIX)?;
    if EXCLUDED.contains(&variable) {
        return None;
    }
    Some(name.to_lowercase().replace('_', ".").replace("...", "-").replace("..", "_"))
}

/// Keys and values that the environment gives, with the variable that each comes from.
///
/// A value is a line of a properties file: the backslash escapes, leading blanks go, and a value with line breaks may
/// give several keys.
pub fn properties_of(environment: &BTreeMap<String, String>) -> Result<Vec<(String, String, String)>, String> {
    let mut properties = Vec::new();
    for (variable, value) in environment {
        let Some(key) = key_of(variable) else { continue };
        let line = format!("{key}={value}");
        let pairs =
            parse_properties(line.as_bytes()).map_err(|why| format!("environment variable {variable}: {why}"))?;
        properties.extend(pairs.into_iter().map(|(key, value)| (key, value, variable.clone())));
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::{key_of, properties_of};
    use std::collections::BTreeMap;

    /// `testdata/environment.txt`: a variable, then the key that it stands for, or `-` for none.
    #[test]
    fn variables_map_as_the_images_script_maps_them() {
        for line in include_str!("testdata/environment.txt").lines().filter(|line| !line.starts_with('#')) {
            let (variable, key) = line.split_once(' ').unwrap();
            let expected = if key == "-" { None } else { Some(key.to_string()) };
            assert_eq!(key_of(variable), expected, "{variable}");
        }
    }

    fn of(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let environment: BTreeMap<String, String> =
            pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        properties_of(&environment).unwrap().into_iter().map(|(key, value, _)| (key, value)).collect()
    }

    #[test]
    fn values_are_lines_of_a_properties_file() {
        let cases = [
            ("", ""),
            ("  5", "5"),
            ("5  ", "5  "),
            ("a=b,c:d", "a=b,c:d"),
            ("C:\\\\logs", "C:\\logs"),
            ("one\\ntwo", "one\ntwo"),
            ("\"quoted\"", "\"quoted\""),
            ("zürich", "zürich"),
        ];
        for (given, expected) in cases {
            assert_eq!(of(&[("KAFKA_X", given)]), [("x".to_string(), expected.to_string())], "{given:?}");
        }
    }

    #[test]
    fn a_value_with_line_breaks_gives_several_keys() {
        let expected = [("x".to_string(), "1".to_string()), ("y.z".to_string(), "2".to_string())];
        assert_eq!(of(&[("KAFKA_X", "1\ny.z=2")]), expected);
    }

    #[test]
    fn a_malformed_value_names_its_variable() {
        let environment = BTreeMap::from([("KAFKA_X".to_string(), "\\u1".to_string())]);
        assert!(properties_of(&environment).unwrap_err().contains("KAFKA_X"));
    }
}
