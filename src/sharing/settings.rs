//! What is set for all share groups, and for one (group configs).

use crate::config::shares::ShareSettings;
use crate::metadata::image::Overrides;
use crate::replica::Isolation;
use crate::share::partition::Limits;

/// Where a group starts on a partition that it has never read (`share.auto.offset.reset`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reset {
    /// Behind the last record.
    Latest,
    /// At the first record.
    Earliest,
    /// At the first record that is no older than this, in milliseconds.
    ByDuration(i64),
}

impl Reset {
    /// `latest`, `earliest`, or `by_duration:` with a duration as ISO 8601 and Java's `Duration` write it; in any case.
    pub fn named(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        match text.as_str() {
            "latest" => Some(Self::Latest),
            "earliest" => Some(Self::Earliest),
            _ => duration_ms(text.strip_prefix("by_duration:")?).map(Self::ByDuration),
        }
    }
}

/// `pnDtnHnMn.nS` in milliseconds; negative ones are refused.
fn duration_ms(text: &str) -> Option<i64> {
    let text = text.strip_prefix('p')?;
    let (days, times) = text.split_once('t').unwrap_or((text, ""));
    if days.is_empty() && times.is_empty() {
        return None;
    }
    let days_ms = units_ms(days, &[('d', 86_400_000.0)])?;
    let times_ms = units_ms(times, &[('h', 3_600_000.0), ('m', 60_000.0), ('s', 1000.0)])?;
    days_ms.checked_add(times_ms)
}

/// Numbers, each with its unit, the units in order and each at most once.
fn units_ms(mut text: &str, units: &[(char, f64)]) -> Option<i64> {
    let mut total = 0.0;
    for (unit, unit_ms) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            let number: f64 = number.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0)?;
            total += number * unit_ms;
            text = rest;
        }
    }
    (text.is_empty() && total < i64::MAX as f64).then_some(total as i64)
}

/// What holds for one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSettings {
    /// Locks, deliveries, records in flight.
    pub limits: Limits,
    /// Where it starts.
    pub reset: Reset,
    /// Whether it sees records of open transactions (`share.isolation.level`).
    pub isolation: Isolation,
    /// Whether its members may renew their locks (`share.renew.acknowledge.enable`).
    pub renews: bool,
}

/// What is set for all share groups.
#[derive(Clone, Debug)]
pub struct ShareGroupSettings {
    defaults: Limits,
    min: Limits,
    max: Limits,
    /// `group.share.max.share.sessions`.
    pub max_sessions: usize,
}

impl ShareGroupSettings {
    /// What a broker's configuration says.
    pub fn of(config: &ShareSettings) -> Self {
        let limits = |[lock_duration_ms, count, locks]: [i64; 3]| Limits {
            lock_duration_ms,
            delivery_count_limit: i16::try_from(count).unwrap_or(i16::MAX),
            max_in_flight: locks,
        };
        Self {
            defaults: limits(config.limits),
            min: limits(config.min_limits),
            max: limits(config.max_limits),
            max_sessions: config.max_share_sessions,
        }
    }

    /// What holds for a group with these settings of its own. What lies outside of the bounds is moved to the nearest.
    pub fn of_group(&self, own: &Overrides) -> GroupSettings {
        let set = |key: &str| own.get(key).and_then(|value| value.parse::<i64>().ok());
        let within =
            |key: &str, default: i64, min: i64, max: i64| set(key).map_or(default, |own| own.clamp(min, max.max(min)));
        let (default, min, max) = (&self.defaults, &self.min, &self.max);
        let count = within(
            "share.delivery.count.limit",
            default.delivery_count_limit.into(),
            min.delivery_count_limit.into(),
            max.delivery_count_limit.into(),
        );
        let limits = Limits {
            lock_duration_ms: within(
                "share.record.lock.duration.ms",
                default.lock_duration_ms,
                min.lock_duration_ms,
                max.lock_duration_ms,
            ),
            delivery_count_limit: i16::try_from(count).unwrap_or(i16::MAX),
            max_in_flight: within(
                "share.partition.max.record.locks",
                default.max_in_flight,
                min.max_in_flight,
                max.max_in_flight,
            ),
        };
        let committed =
            own.get("share.isolation.level").is_some_and(|level| level.eq_ignore_ascii_case("read_committed"));
        GroupSettings {
            limits,
            reset: own.get("share.auto.offset.reset").and_then(|text| Reset::named(text)).unwrap_or(Reset::Latest),
            isolation: if committed { Isolation::ReadCommitted } else { Isolation::ReadUncommitted },
            renews: own.get("share.renew.acknowledge.enable").is_none_or(|text| !text.eq_ignore_ascii_case("false")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s1_a_group_starts_where_it_says() {
        for (text, reset) in [
            ("latest", Some(Reset::Latest)),
            ("EARLIEST", Some(Reset::Earliest)),
            ("by_duration:PT1H", Some(Reset::ByDuration(3_600_000))),
            ("by_duration:P1DT2H3M4.5S", Some(Reset::ByDuration(86_400_000 + 7_200_000 + 180_000 + 4_500))),
            ("by_duration:P2D", Some(Reset::ByDuration(172_800_000))),
            ("by_duration:", None),
            ("by_duration:P", None),
            ("by_duration:-PT1H", None),
            ("by_duration:PT-1H", None),
            ("by_duration:PT1H1H", None),
            ("by_duration:PTxH", None),
            ("none", None),
        ] {
            assert_eq!(Reset::named(text), reset, "{text}");
        }
    }
}
