//! `diagramd plan`: how long people would have waited on another plan of the model's provider.

use std::time::Duration;

use anyhow::bail;
use clap::Args;
use serde_json::{Value, json};

use super::input::Sources;
use super::output;
use crate::app::{self, PlanAnswer, PlanQuestion, Waits, WaitsByTier};
use crate::config::PLANS;

#[derive(Args, Debug)]
pub(super) struct Plan {
    /// Requests a minute of the plan; 0: not limited
    #[arg(long, value_name = "REQUESTS", required_unless_present = "like")]
    rpm: Option<u64>,
    /// Tokens a minute of the plan, input and output together; 0: not limited
    #[arg(long, value_name = "TOKENS", required_unless_present = "like")]
    tpm: Option<u64>,
    /// A plan by its name instead: 5x or 20x
    #[arg(long, value_name = "PLAN", value_parser = limits, conflicts_with_all = ["rpm", "tpm"])]
    like: Option<(u64, u64)>,
    /// Replay the load that the database has recorded (there is no other source yet)
    #[arg(long, required = true)]
    history: bool,
    /// How many days back
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=3650))]
    days: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Plan {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        // The command line has one or the other.
        let given = || (self.rpm.unwrap_or_default(), self.tpm.unwrap_or_default());
        let (requests_per_minute, tokens_per_minute) = self.like.unwrap_or_else(given);
        let question = PlanQuestion { requests_per_minute, tokens_per_minute, days: self.days };
        let answer = app::plan(&sources.load(Vec::new())?.config, question)?;
        let Some((first, last)) = answer.span else {
            bail!("no call of a model was made in the last {} days; ask for more with --days", self.days)
        };
        if self.json {
            return output::json(&object(&answer, question));
        }
        let (calls, further) = (answer.recorded.all.calls, answer.further_calls);
        let further = if further == 0 {
            String::new()
        } else {
            format!(", and {further} further ones of theirs (retries, repairs)")
        };
        output::line(&format!("{calls} calls{further}, ready from {first} to {last}\n"))?;
        let limit = |limit: u64| if limit == 0 { "any number of".to_owned() } else { limit.to_string() };
        let plan =
            format!("{} requests, {} tokens a minute", limit(requests_per_minute), limit(tokens_per_minute));
        let parts = [
            ("as it was", &answer.recorded),
            ("replayed as configured", &answer.present),
            (plan.as_str(), &answer.asked),
        ];
        let rows: Vec<[String; 7]> = parts.iter().flat_map(|(name, waits)| rows(name, waits)).collect();
        output::table(["WAITS", "TIER", "CALLS", "HALF", "95 %", "99 %", "LONGEST"], &rows)
    }
}

/// The limits of a plan by its name.
fn limits(name: &str) -> Result<(u64, u64), String> {
    let plan = PLANS.into_iter().find(|(known, _)| *known == name);
    plan.map(|(_, limits)| limits).ok_or_else(|| "expected 5x or 20x".to_owned())
}

fn rows(name: &str, waits: &WaitsByTier) -> Vec<[String; 7]> {
    let row = |tier: String, waits: &Waits| {
        [
            name.to_owned(),
            tier,
            waits.calls.to_string(),
            told(waits.p50),
            told(waits.p95),
            told(waits.p99),
            told(waits.longest),
        ]
    };
    let tiers = waits.tiers.iter().map(|(tier, waits)| row(tier.to_string(), waits));
    tiers.chain([row("all".to_owned(), &waits.all)]).collect()
}

/// A wait for people.
fn told(wait: Duration) -> String {
    match wait.as_secs() {
        0..60 => format!("{:.1} s", wait.as_secs_f64()),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

fn object(answer: &PlanAnswer, question: PlanQuestion) -> Value {
    let span = answer.span.map(|(from, to)| json!({ "from": from, "to": to }));
    json!({
        "requestsPerMinute": question.requests_per_minute,
        "tokensPerMinute": question.tokens_per_minute,
        "span": span,
        "furtherCalls": answer.further_calls,
        "recorded": waits(&answer.recorded),
        "replayedAsConfigured": waits(&answer.present),
        "replayedOnPlan": waits(&answer.asked),
    })
}

fn waits(waits: &WaitsByTier) -> Value {
    let one = |waits: &Waits| {
        json!({
            "calls": waits.calls,
            "p50Seconds": waits.p50.as_secs_f64(),
            "p95Seconds": waits.p95.as_secs_f64(),
            "p99Seconds": waits.p99.as_secs_f64(),
            "longestSeconds": waits.longest.as_secs_f64(),
        })
    };
    let tiers: serde_json::Map<String, Value> =
        waits.tiers.iter().map(|(tier, waits)| (tier.to_string(), one(waits))).collect();
    json!({ "tiers": tiers, "all": one(&waits.all) })
}
