//! Log lines as Kafka's own log4j pattern writes them: `[2026-11-21 06:58:17,123] INFO text (target)`, on standard output.

use super::levels::LogLevels;
use crate::clock::Clock;
use std::fmt;
use std::sync::Arc;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{reload, EnvFilter};

/// Sends this process's tracing to standard output. `filter` is an `EnvFilter`, such as `info` or `klamm::log=debug,info`;
/// one that cannot be read falls back to `info`. Only the first call of a process counts. Returns the levels, which may
/// be changed from then on.
pub fn init_tracing(filter: &str, clock: Arc<dyn Clock>) -> LogLevels {
    let (read, filter) = match EnvFilter::try_new(filter) {
        Ok(read) => (read, filter),
        Err(_) => (EnvFilter::new("info"), "info"),
    };
    let (filtered, handle) = reload::Layer::new(read);
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).event_format(KafkaLines { clock });
    // An error means that a test has set its own subscriber before.
    let _ = tracing_subscriber::registry().with(filtered).with(lines).try_init();
    LogLevels::new(
        filter,
        Box::new(move |filter| {
            if let Ok(filter) = EnvFilter::try_new(filter) {
                // Without a subscriber there is nobody to tell.
                let _ = handle.reload(filter);
            }
        }),
    )
}

struct KafkaLines {
    clock: Arc<dyn Clock>,
}

impl<S, N> FormatEvent<S, N> for KafkaLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut out: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let metadata = event.metadata();
        write!(out, "[{}] {} ", Timestamp(self.clock.now().wall_ms), metadata.level())?;
        context.field_format().format_fields(out.by_ref(), event)?;
        writeln!(out, " ({})", metadata.target().replace("::", "."))
    }
}

/// Milliseconds since the Unix epoch, shown in UTC.
struct Timestamp(i64);

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(86_400_000), self.0.rem_euclid(86_400_000));
        let (year, month, day) = civil(days);
        let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{:03}", ms % 1000)
    }
}

/// The Gregorian date of a day counted from 1970-01-01, by eras of 400 years that start in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn timestamps_read_as_in_kafkas_pattern() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01 00:00:00,000");
        assert_eq!(Timestamp(951_782_400_000).to_string(), "2000-02-29 00:00:00,000");
        assert_eq!(Timestamp(1_795_244_297_123).to_string(), "2026-11-21 06:58:17,123");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31 23:59:59,999");
    }
}
