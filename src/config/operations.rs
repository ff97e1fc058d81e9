//! `[webhooks]`, `[log]`, `[metrics]` and `[retention]`: what the operator sees and for how long
//! things are kept.

use std::net::SocketAddr;
use std::time::Duration;

use super::address;
use super::reader::Section;
use super::secret::{self, Secret};
use super::units;

/// `[webhooks]`.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Whether targets may be private addresses, and plain http.
    pub allow_private_addresses: bool,
    /// The waits after a message's first failure, its second and so on; after the last it is given
    /// up.
    pub retries: Vec<Duration>,
    /// One try, from the name to the answer.
    pub timeout: Duration,
}

/// Log line format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

impl LogFormat {
    /// The name used in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Text => "text",
            Self::Json => "json",
        }
    }
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct Log {
    /// Line format.
    pub format: LogFormat,
    /// A level, or `tracing` directives (`info,diagramd::http=debug`).
    pub level: String,
}

/// `[metrics]`.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Own listener; `None`: `/metrics` on the main one, with the token.
    pub listen: Option<SocketAddr>,
    /// Bearer token; `None` with no own listener: `/metrics` answers admins only.
    pub token: Option<Secret>,
}

/// `[retention]`.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Ended requests are deleted after this long.
    pub finished: Duration,
    /// Webhook messages are deleted this long after they were taken or given up.
    pub webhooks: Duration,
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(86_400);
/// Seconds of the waits between the tries of a webhook message: more than a day together.
const RETRIES: [u64; 7] = [5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 14 * 3600];
/// The most tries after the first.
const RETRIES_MAX: usize = 20;
/// The longest schedule. With what chance adds to each wait, it ends before a message is too old.
const RETRIES_LONGEST: Duration = Duration::from_secs(60 * 3600);

impl Webhooks {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let retries = section.list("retries", RETRIES_MAX, pause);
        if retries.iter().flatten().sum::<Duration>() > RETRIES_LONGEST {
            section.fault(
                "retries",
                "is longer than 60 hours together; a message is given up after three days".to_owned(),
            );
        }
        Self {
            allow_private_addresses: section.flag("allow_private_addresses", false),
            retries: retries.unwrap_or_else(|| RETRIES.into_iter().map(Duration::from_secs).collect()),
            timeout: section.duration("timeout", 15 * SECOND, SECOND..=60 * SECOND),
        }
    }
}

impl Log {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let formats = [LogFormat::Auto, LogFormat::Text, LogFormat::Json];
        Self {
            format: section.choice("format", LogFormat::Auto, &formats.map(|format| (format.name(), format))),
            level: section.parsed("level", directives).unwrap_or_else(|| "info".to_owned()),
        }
    }
}

impl Metrics {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { listen: section.parsed("listen", address::socket), token: secret::read(section, "token") }
    }
}

impl Retention {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            finished: section.duration("finished", 90 * DAY, SECOND..=3650 * DAY),
            webhooks: section.duration("webhooks", 7 * DAY, SECOND..=90 * DAY),
        }
    }
}

fn pause(text: &str) -> Result<Duration, String> {
    let pause = units::parse_duration(text).ok_or("is not a duration; expected one such as 5s or 2h")?;
    if pause <= DAY { Ok(pause) } else { Err("is out of bounds; expected at most 1d".to_owned()) }
}

fn directives(text: &str) -> Result<String, String> {
    let is_level = |level: &str| {
        ["off", "error", "warn", "info", "debug", "trace"].contains(&level.to_ascii_lowercase().as_str())
    };
    let is_directive = |part: &str| match part.rsplit_once('=') {
        Some((target, level)) => !target.trim().is_empty() && is_level(level.trim()),
        None => is_level(part.trim()),
    };
    if text.split(',').all(is_directive) {
        return Ok(text.to_owned());
    }
    Err("is not a log level; expected off, error, warn, info, debug or trace, with module=level after commas"
        .to_owned())
}
