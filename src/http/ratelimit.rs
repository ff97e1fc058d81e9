//! The `RateLimit-Policy` and `RateLimit` headers (IETF draft-ietf-httpapi-ratelimit-headers-11)
//! of an authenticated answer: how much of hour, day and concurrency is left.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};

use crate::accounts::Caller;
use crate::domain::limits::UserCounts;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{TierPolicy, Timestamp};

use super::api::Api;

/// Of how much.
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// What is left.
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// Both headers, from counts in hand.
pub fn headers(api: &Api, caller: &Caller, counts: &UserCounts) -> [(HeaderName, HeaderValue); 2] {
    let rules = api.queue.rules();
    let policy = rules.tiers.of(caller.tier);
    [(RATE_LIMIT_POLICY, value(allowed(policy))), (RATE_LIMIT, value(left(policy, counts, (api.clock)())))]
}

/// The policy alone, for answers that are not worth a read.
pub fn policy_header(api: &Api, caller: &Caller) -> (HeaderName, HeaderValue) {
    (RATE_LIMIT_POLICY, value(allowed(api.queue.rules().tiers.of(caller.tier))))
}

/// Sets both headers, with a read of the counts, on an answer that does not have them yet.
pub async fn complete(api: &Api, caller: &Caller, answer: &mut HeaderMap) {
    if answer.contains_key(RATE_LIMIT_POLICY) {
        return;
    }
    let (user, now) = (caller.user, (api.clock)());
    match api.reader.read(move |reads| reads.counts(user, now)).await {
        Ok(counts) => answer.extend(headers(api, caller, &counts)),
        // The answer itself stands; whatever ails the store is told by what needs it.
        Err(_) => answer.extend([policy_header(api, caller)]),
    }
}

/// Text made of digits and quoted names is always a header value.
fn value(text: String) -> HeaderValue {
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn allowed(policy: &TierPolicy) -> String {
    format!(
        "\"hour\";q={};w=3600, \"day\";q={};w=86400, \"concurrent\";q={}",
        policy.requests_per_hour, policy.requests_per_day, policy.max_concurrent
    )
}

fn left(policy: &TierPolicy, counts: &UserCounts, now: Timestamp) -> String {
    let hour_ends = now.seconds_until(Timestamp(now.hour().0 + HOUR_MS));
    let day_ends = now.seconds_until(Timestamp(now.day().0 + DAY_MS));
    let hour = policy.requests_per_hour.saturating_sub(counts.hour);
    let day = policy.requests_per_day.saturating_sub(counts.day);
    let concurrent = policy.max_concurrent.saturating_sub(counts.running);
    format!("\"hour\";r={hour};t={hour_ends}, \"day\";r={day};t={day_ends}, \"concurrent\";r={concurrent}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Tier;
    use crate::domain::tier::Tiers;

    #[test]
    fn the_headers_have_the_drafts_form_and_never_go_below_zero() {
        let tiers = Tiers::default();
        let policy = tiers.of(Tier::Free);
        assert_eq!(allowed(policy), r#""hour";q=5;w=3600, "day";q=10;w=86400, "concurrent";q=1"#);
        let counts = UserCounts { hour: 1, day: 11, running: 1, ..UserCounts::default() };
        let now = Timestamp::parse("2026-01-01T22:59:30.500Z").unwrap();
        assert_eq!(left(policy, &counts, now), r#""hour";r=4;t=30, "day";r=0;t=3630, "concurrent";r=0"#);
    }
}
