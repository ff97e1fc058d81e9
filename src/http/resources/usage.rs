//! `GET /api/diagram/usage`.

use std::sync::Arc;

use hyper::StatusCode;
use serde::Serialize;

use crate::accounts::Caller;
use crate::domain::limits::Window;
use crate::domain::time::{DAY_MS, HOUR_MS};
use crate::domain::{Money, Tier, Timestamp, TokenUsage};
use crate::http::api::Api;
use crate::http::problem::UpgradeInfo;
use crate::http::respond::{self, Answer};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Usage<'a> {
    user: &'a str,
    tier: Tier,
    hour: Window,
    day: Window,
    concurrent: Concurrent,
    tokens: Tokens,
    cost: Cost,
    cache: Cache,
    #[serde(skip_serializing_if = "Option::is_none")]
    upgrade: Option<UpgradeInfo>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Concurrent {
    running: u32,
    queued: u32,
    limit: u32,
    queued_limit: u32,
}

#[derive(Serialize)]
struct Tokens {
    today: InOut,
    month: InOut,
}

#[derive(Serialize)]
struct InOut {
    input: u64,
    output: u64,
}

impl From<TokenUsage> for InOut {
    fn from(usage: TokenUsage) -> Self {
        Self { input: usage.total_input(), output: usage.output }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cost {
    today_usd: Money,
    month_usd: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_usd: Option<Money>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Cache {
    hits: u64,
    saved_usd: Money,
}

/// The caller's limits, tokens and money.
///
/// # Errors
/// What the store reports.
pub async fn usage(api: &Arc<Api>, caller: &Caller) -> Answer {
    let now = (api.clock)();
    let user = caller.user;
    let (counts, spending) =
        api.reader.read(move |reads| Ok((reads.counts(user, now)?, reads.spending(user, now)?))).await?;
    let rules = api.queue.rules();
    let policy = rules.tiers.of(caller.tier);
    let body = Usage {
        user: &caller.name,
        tier: caller.tier,
        hour: Window::new(counts.hour, policy.requests_per_hour, Timestamp(now.hour().0 + HOUR_MS)),
        day: Window::new(counts.day, policy.requests_per_day, Timestamp(now.day().0 + DAY_MS)),
        concurrent: Concurrent {
            running: counts.running,
            queued: counts.queued,
            limit: policy.max_concurrent,
            queued_limit: policy.max_queued,
        },
        tokens: Tokens { today: spending.today.into(), month: spending.month.into() },
        cost: Cost {
            today_usd: spending.cost_today,
            month_usd: spending.cost_month,
            budget_usd: policy.monthly_budget,
        },
        cache: Cache { hits: spending.cache_hits, saved_usd: spending.cache_saved },
        upgrade: api.queue.upgrade_hint(caller.tier, &counts).map(UpgradeInfo::from),
    };
    respond::json(StatusCode::OK, &body)
}
