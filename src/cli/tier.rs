//! `diagramd tier list`: what each tier allows, from the configuration.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::input::Sources;
use super::output::{self, or_dash};
use crate::domain::{Tier, TierPolicy};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List the tiers with their limits
    List(List),
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Verb {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let Self::List(List { json }) = self;
        let tiers = sources.load(Vec::new())?.config.tiers;
        let all = Tier::ALL.map(|tier| (tier, tiers.of(tier)));
        if json {
            return output::json(&all.map(|(tier, policy)| object(tier, policy)));
        }
        let header = ["TIER", "PER HOUR", "PER DAY", "AT ONCE", "QUEUED", "WEIGHT", "BUDGET", "MODELS"];
        output::table(header, &all.map(|(tier, policy)| row(tier, policy)))
    }
}

fn object(tier: Tier, policy: &TierPolicy) -> Value {
    json!({
        "name": tier,
        "requestsPerHour": policy.requests_per_hour,
        "requestsPerDay": policy.requests_per_day,
        "maxConcurrent": policy.max_concurrent,
        "maxQueued": policy.max_queued,
        "weight": policy.weight,
        "models": policy.models,
        "monthlyBudgetUsd": policy.monthly_budget,
        "priceUsdMonth": policy.price_usd_month,
        "upgradeUrl": policy.upgrade_url,
    })
}

fn row(tier: Tier, policy: &TierPolicy) -> [String; 8] {
    let models = (!policy.models.is_empty()).then(|| policy.models.join(", "));
    [
        tier.to_string(),
        policy.requests_per_hour.to_string(),
        policy.requests_per_day.to_string(),
        policy.max_concurrent.to_string(),
        policy.max_queued.to_string(),
        policy.weight.to_string(),
        or_dash(policy.monthly_budget.map(|budget| output::dollars(&budget.to_string()))),
        or_dash(models),
    ]
}
