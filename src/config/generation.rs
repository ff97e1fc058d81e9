//! `[queue]`, `[generation]` and `[cache]`: how long requests wait, how diagrams are made, and
//! how long answers are kept.

use std::path::PathBuf;
use std::time::Duration;

use super::reader::Section;
use crate::domain::lane::RetryPolicy;

/// `[queue]`.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// Jobs waiting in the whole server.
    pub max_queued: u32,
    /// Attempts and back-off.
    pub retry: RetryPolicy,
    /// Deadline of a request that names none; `None`: it waits as long as it takes.
    pub default_deadline: Option<Duration>,
}

/// `[generation]`.
#[derive(Clone, Debug)]
pub struct Generation {
    /// `maxTokens` of a request that names none.
    pub default_max_tokens: u32,
    /// The largest `maxTokens`.
    pub max_tokens_cap: u32,
    /// Characters of a prompt.
    pub max_prompt_chars: usize,
    /// One upstream call.
    pub timeout: Duration,
    /// Extra calls when the answer does not parse.
    pub repair_attempts: u32,
    /// Whether equal requests in flight share one call.
    pub coalesce: bool,
    /// The operator's own templates; `None`: the built-in ones alone.
    pub templates_dir: Option<PathBuf>,
}

/// `[cache]`.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Whether answers are cached.
    pub enabled: bool,
    /// Age limit.
    pub ttl: Duration,
    /// Size limit in bytes.
    pub max_size: u64,
    /// Whether an answer may serve other users than the one it was made for.
    pub shared: bool,
}

const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

impl QueueConfig {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let retry = RetryPolicy {
            max_attempts: section.integer("max_attempts", 6, 1..=100),
            base: section.duration("retry_base", Duration::from_secs(1), MS..=HOUR),
            cap: section.duration("retry_cap", Duration::from_secs(300), MS..=DAY),
        };
        if retry.cap < retry.base {
            section.fault("retry_cap", "is shorter than retry_base; expected at least retry_base");
        }
        let deadline = section.duration("default_deadline", Duration::ZERO, Duration::ZERO..=30 * DAY);
        Self {
            max_queued: section.integer("max_queued", 100_000, 1..=10_000_000),
            retry,
            default_deadline: (!deadline.is_zero()).then_some(deadline),
        }
    }
}

impl Generation {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let cap = section.integer("max_tokens_cap", 8192, 1..=1_000_000);
        let default = section.integer("default_max_tokens", 2048, 1..=1_000_000);
        if default > cap && section.is_set("default_max_tokens") {
            section.fault(
                "default_max_tokens",
                format!("{default} is more than max_tokens_cap, which is {cap}"),
            );
        }
        Self {
            default_max_tokens: default.min(cap),
            max_tokens_cap: cap,
            max_prompt_chars: section.integer("max_prompt_chars", 20_000, 1..=1_000_000),
            timeout: section.duration("timeout", Duration::from_secs(120), MS..=HOUR),
            repair_attempts: section.integer("repair_attempts", 1, 0..=5),
            coalesce: section.flag("coalesce", true),
            templates_dir: section.parsed("templates_dir", |text| Ok(PathBuf::from(text))),
        }
    }
}

impl Cache {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self {
            enabled: section.flag("enabled", true),
            ttl: section.duration("ttl", 7 * DAY, MS..=3650 * DAY),
            max_size: section.size("max_size", 256 << 20, 1 << 10..=1024 << 30),
            shared: section.flag("shared", false),
        }
    }
}
