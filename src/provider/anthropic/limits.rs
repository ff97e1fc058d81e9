//! The upstream's own word on its limits: `anthropic-ratelimit-*`, on every answer.

use reqwest::header::HeaderMap;

use crate::domain::lane::{LimitSeen, LimitsSeen};

/// The limits told by these headers; `None` when there are none. `reset` is the time of full
/// refill and of no use to a scheduler, so it is not read.
pub(super) fn read(headers: &HeaderMap) -> Option<LimitsSeen> {
    let seen = LimitsSeen {
        requests: budget(headers, "requests"),
        input_tokens: budget(headers, "input-tokens"),
        output_tokens: budget(headers, "output-tokens"),
        tokens: budget(headers, "tokens"),
    };
    (seen != LimitsSeen::default()).then_some(seen)
}

fn budget(headers: &HeaderMap, name: &str) -> Option<LimitSeen> {
    let number = |part: &str| -> Option<u64> {
        headers.get(format!("anthropic-ratelimit-{name}-{part}"))?.to_str().ok()?.trim().parse().ok()
    };
    Some(LimitSeen { limit: number("limit")?, remaining: number("remaining")? })
}
