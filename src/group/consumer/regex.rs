//! Subscriptions by a regular expression (N8): RE2's syntax, a topic's whole name, resolved here against the metadata.
//!
//! Kafka resolves in the background, and what a member finds at its next heartbeat. Here the step that first sees an
//! expression resolves it, so that its member gets partitions with the first answer; all of a group's expressions are
//! resolved again when there are new topics, at most every [`REFRESH_MIN_INTERVAL_MS`], and when they have grown old.
//! Absent: leaving out topics that the member may not describe (nobody is told apart yet).

use super::super::error::GroupError;
use super::super::shard::Turn;
use super::super::Text;
use super::records::{ConsumerRecord, ResolvedRegex};
use super::refusal::Refusal;
use super::working::Draft;
use crate::metadata::image::MetadataImage;
use regex::{Regex, RegexBuilder};
use std::collections::BTreeSet;
use std::sync::Arc;

/// New topics make a group's expressions be resolved anew at most this often. Milliseconds; Kafka's constant.
const REFRESH_MIN_INTERVAL_MS: i64 = 10_000;
/// What a compiled expression may take up. Bytes; one that takes more is refused as invalid.
const MAX_COMPILED_BYTES: usize = 1 << 20;

/// Refuses an expression that is none.
pub(super) fn validate(regex: &str) -> Result<(), Refusal> {
    compile(regex).map(drop).map_err(|why| {
        let message = format!("SubscribedTopicRegex `{regex}` is not a valid regular expression: {why}.");
        Refusal::new(GroupError::InvalidRegularExpression, message)
    })
}

/// Compiles an expression for whole names. It is compiled alone first: only so is `a)(b` found out.
fn compile(regex: &str) -> Result<Regex, String> {
    let build = |regex: &str| {
        RegexBuilder::new(regex).size_limit(MAX_COMPILED_BYTES).dfa_size_limit(MAX_COMPILED_BYTES).build()
    };
    let brief = |error: regex::Error| match error {
        regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
        error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
    };
    build(regex).map_err(brief)?;
    build(&format!(r"\A(?:{regex})\z")).map_err(brief)
}

fn resolve(image: &MetadataImage, regex: &str, wall_ms: i64) -> ResolvedRegex {
    let matching = |compiled: &Regex| {
        let names = image.topics().map(|topic| &topic.name).filter(|name| compiled.is_match(name));
        names.cloned().collect()
    };
    // Of Kafka's own expressions in its log a few may not be ours: they match nothing.
    let topics: BTreeSet<Text> = compile(regex).as_ref().map(matching).unwrap_or_default();
    ResolvedRegex { topics, metadata_offset: image.applied().0, resolved_ms: wall_ms }
}

impl Turn<'_> {
    /// Resolves the expressions of a group that are new or due. True if any stands for other topics than before.
    pub(super) fn resolve_regexes(&mut self, draft: &mut Draft) -> bool {
        if draft.group.named_regexes().len() == 0 {
            return false;
        }
        let shard = self.shard;
        let wall_ms = self.now.wall_ms;
        let known = || draft.group.resolved_regexes().map(|(_, resolved)| resolved);
        let newest_ms = known().map(|resolved| resolved.resolved_ms).max().unwrap_or(0);
        let resolved_at = known().map(|resolved| resolved.metadata_offset).min().unwrap_or(i64::MAX);
        let has_new_topics = resolved_at < shard.topics_added_at && wall_ms - newest_ms > REFRESH_MIN_INTERVAL_MS;
        let is_old = wall_ms - newest_ms >= shard.settings.consumer.regex_refresh_interval_ms;
        let is_due = |regex: &&Text| has_new_topics || is_old || draft.group.regex(regex).is_none();
        let due: Vec<Text> = draft.group.named_regexes().filter(is_due).cloned().collect();
        let mut changed = false;
        for regex in due {
            let resolved = resolve(&shard.image, &regex, wall_ms);
            let before = draft.group.regex(&regex).map(|before| &before.topics);
            changed |= before.map_or(!resolved.topics.is_empty(), |before| *before != resolved.topics);
            self.write(draft, ConsumerRecord::Regex { regex, value: Some(Arc::new(resolved)) });
        }
        changed
    }

    /// Drops what is known of an expression that nobody subscribes by any more.
    pub(super) fn forget_regex(&mut self, draft: &mut Draft, regex: &Text) {
        if draft.group.subscribers_by(regex) == 0 && draft.group.regex(regex).is_some() {
            self.write(draft, ConsumerRecord::Regex { regex: regex.clone(), value: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(regex: &str, name: &str) -> bool {
        compile(regex).expect("an expression").is_match(name)
    }

    #[test]
    fn n8_an_expression_stands_for_whole_names() {
        assert!(matches("foo.*", "foobar"));
        assert!(!matches("foo", "foobar") && !matches("bar", "foobar"));
        assert!(matches("foo|bar", "bar") && !matches("foo|bar", "foobar"));
        assert!(matches("(?i)FOO", "foo"));
    }

    #[test]
    fn n8_what_is_no_expression_or_grows_too_large_is_refused() {
        for regex in ["[", "a)(b", "(?=a)b", r"(a)\1", "a{1000}{1000}"] {
            let refusal = validate(regex).expect_err(regex);
            assert_eq!(refusal.error, GroupError::InvalidRegularExpression, "{regex}");
        }
        assert!(validate("[")
            .expect_err("open")
            .message
            .starts_with("SubscribedTopicRegex `[` is not a valid regular"));
    }
}
