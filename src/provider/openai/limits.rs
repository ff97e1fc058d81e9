//! The upstream's own word on its limits: `x-ratelimit-*`, where a server sends them.

use reqwest::header::HeaderMap;

use crate::domain::lane::{LimitSeen, LimitsSeen};

/// The limits told by these headers; `None` when there are none.
pub(super) fn read(headers: &HeaderMap) -> Option<LimitsSeen> {
    let seen = LimitsSeen {
        requests: budget(headers, "requests"),
        tokens: budget(headers, "tokens"),
        ..LimitsSeen::default()
    };
    (seen != LimitsSeen::default()).then_some(seen)
}

fn budget(headers: &HeaderMap, name: &str) -> Option<LimitSeen> {
    let number = |part: &str| -> Option<u64> {
        headers.get(format!("x-ratelimit-{part}-{name}"))?.to_str().ok()?.trim().parse().ok()
    };
    Some(LimitSeen { limit: number("limit")?, remaining: number("remaining")? })
}
