//! `plan`: the load of the past on the present upstreams, and on another plan.

use std::time::Duration;

use anyhow::bail;

use crate::config::Config;
use crate::domain::lane::LaneSpec;
use crate::domain::past::PastCall;
use crate::domain::{LaneName, Tier, Timestamp};
use crate::scheduler::replay::{Waited, replay};
use crate::store::{Reads, sqlite};

use super::data_dir;
use super::engine::{database_path, now};

/// Calls read at once.
const PAGE: u32 = 5_000;
/// Calls that are replayed at the most, for they are in memory.
const CALLS_MAX: usize = 1_000_000;

/// What to ask.
#[derive(Clone, Copy, Debug)]
pub struct PlanQuestion {
    /// Requests a minute; 0: not limited.
    pub requests_per_minute: u64,
    /// Tokens a minute; 0: not limited.
    pub tokens_per_minute: u64,
    /// How far back.
    pub days: u32,
}

/// How long the calls of a tier, or of all, waited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Calls.
    pub calls: usize,
    /// Half waited no longer.
    pub p50: Duration,
    /// 95 of 100 waited no longer.
    pub p95: Duration,
    /// 99 of 100 waited no longer.
    pub p99: Duration,
    /// The longest.
    pub longest: Duration,
}

/// Waits by tier, those of tiers without calls left out, and of all calls together.
#[derive(Clone, Debug, Default)]
pub struct WaitsByTier {
    /// By tier.
    pub tiers: Vec<(Tier, Waits)>,
    /// Of all.
    pub all: Waits,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct PlanAnswer {
    /// Further calls of the same requests: they take their part of the limits, but how long they waited
    /// is not known.
    pub further_calls: usize,
    /// The first and the last call's time of being ready.
    pub span: Option<(Timestamp, Timestamp)>,
    /// As it was.
    pub recorded: WaitsByTier,
    /// As the present configuration would have had it: how well the replay tells the truth.
    pub present: WaitsByTier,
    /// On the plan that was asked for.
    pub asked: WaitsByTier,
}

/// Replays the calls of the past days, from the database, beside a running server.
///
/// # Errors
/// A database that is not there or cannot be read; more calls than can be replayed.
pub fn plan(config: &Config, question: PlanQuestion) -> anyhow::Result<PlanAnswer> {
    let database = database_path(config);
    data_dir::check_owner(&database)?;
    let calls = past_calls(sqlite::open_for_reading(&database)?.blocking(), question.days)?;
    let lanes: Vec<LaneSpec> = config.upstreams.iter().map(|upstream| upstream.lane.clone()).collect();
    let asked = asked(&lanes, question);
    let recorded: Vec<Waited> = calls
        .iter()
        .filter(|call| call.is_first)
        .map(|call| Waited { tier: call.tier, wait: call.waited() })
        .collect();
    let span = calls.first().zip(calls.last()).map(|(first, last)| (first.ready_at, last.ready_at));
    Ok(PlanAnswer {
        span,
        further_calls: calls.len() - recorded.len(),
        recorded: by_tier(&recorded),
        present: by_tier(&replay(&calls, lanes, &config.tiers)),
        asked: by_tier(&replay(&calls, vec![asked], &config.tiers)),
    })
}

/// In the order in which they became ready.
fn past_calls(reads: &dyn Reads, days: u32) -> anyhow::Result<Vec<PastCall>> {
    let to = now();
    let mut after = (to.before(Duration::from_secs(u64::from(days) * 86_400)), 0);
    let mut calls = Vec::new();
    loop {
        let page = reads.past_calls(after, to, PAGE)?;
        calls.extend(page.calls);
        if calls.len() > CALLS_MAX {
            bail!("there are more than {CALLS_MAX} calls in {days} days; ask for fewer with --days");
        }
        let Some(last) = page.last else { break };
        after = last;
    }
    calls.sort_by_key(|call| call.ready_at);
    Ok(calls)
}

/// One upstream on the plan that is asked for, otherwise like the first one of the present.
fn asked(present: &[LaneSpec], question: PlanQuestion) -> LaneSpec {
    let first = present.first();
    LaneSpec {
        name: LaneName::from("plan"),
        model: first.map_or_else(String::new, |lane| lane.model.clone()),
        max_concurrent: first.map_or(8, |lane| lane.max_concurrent),
        requests_per_minute: question.requests_per_minute,
        tokens_per_minute: question.tokens_per_minute,
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: first.map_or(Duration::from_secs(1), |lane| lane.network_margin),
    }
}

fn by_tier(made: &[Waited]) -> WaitsByTier {
    let of = |tier: Option<Tier>| {
        let wanted = made.iter().filter(|made| tier.is_none_or(|tier| tier == made.tier));
        waits(wanted.map(|made| made.wait).collect())
    };
    let tiers = Tier::ALL.map(|tier| (tier, of(Some(tier))));
    WaitsByTier { tiers: tiers.into_iter().filter(|(_, waits)| waits.calls > 0).collect(), all: of(None) }
}

fn waits(mut all: Vec<Duration>) -> Waits {
    all.sort_unstable();
    let Some(longest) = all.last().copied() else { return Waits::default() };
    // The smallest that at least so many of a hundred do not exceed.
    let percentile = |percent: usize| all[(all.len() * percent).div_ceil(100) - 1];
    Waits { calls: all.len(), p50: percentile(50), p95: percentile(95), p99: percentile(99), longest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_what_was_waited() {
        let seconds =
            |all: std::ops::RangeInclusive<u64>| waits(all.rev().map(Duration::from_secs).collect());
        let Waits { calls, p50, p95, p99, longest } = seconds(1..=200);
        assert_eq!(
            (calls, p50.as_secs(), p95.as_secs(), p99.as_secs(), longest.as_secs()),
            (200, 100, 190, 198, 200)
        );
        assert_eq!(seconds(7..=7).p50, Duration::from_secs(7));
        assert_eq!(waits(Vec::new()), Waits::default());
    }
}
