//! `[tiers.NAME]`: what each tier allows.

use super::address;
use super::reader::Section;
use crate::domain::tier::Tiers;
use crate::domain::{Money, Tier, TierPolicy};

/// The most entries of a tier's `models`.
const MODELS_MAX: usize = 64;

/// Reads all four tiers over their documented defaults.
pub(super) fn read(section: &Section<'_>) -> Tiers {
    let defaults = Tiers::default();
    Tiers(Tier::ALL.map(|tier| policy(&section.section(tier.name()), defaults.of(tier))))
}

fn policy(section: &Section<'_>, default: &TierPolicy) -> TierPolicy {
    let count = |key, default| section.integer(key, default, 0..=1_000_000_000);
    TierPolicy {
        requests_per_hour: count("requests_per_hour", default.requests_per_hour),
        requests_per_day: count("requests_per_day", default.requests_per_day),
        max_concurrent: section.integer("max_concurrent", default.max_concurrent, 1..=1000),
        max_queued: section.integer("max_queued", default.max_queued, 1..=1_000_000),
        weight: section.integer("weight", default.weight, 1..=1_000_000),
        models: section.list("models", MODELS_MAX, model_name).unwrap_or_default(),
        monthly_budget: dollars(section, "monthly_budget_usd").filter(|amount| *amount != Money::ZERO),
        price_usd_month: dollars(section, "price_usd_month"),
        upgrade_url: section.parsed("upgrade_url", address::target_url),
    }
}

/// A model's name, as upstreams take it.
pub(super) fn model_name(text: &str) -> Result<String, String> {
    if text.is_empty() || text.len() > 128 || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("is not a model name; expected 1 to 128 bytes without spaces".to_owned());
    }
    Ok(text.to_owned())
}

fn dollars(section: &Section<'_>, key: &str) -> Option<Money> {
    let expected =
        "an amount of US dollars; expected a number such as 25.0, with at most nine digits after the point";
    let text = section.decimal(key, expected).filter(|text| !text.is_empty())?;
    let amount = Money::parse_dollars(&text);
    if amount.is_none() {
        section.fault(key, format!("{} is not {expected}", section.shown(key)));
    }
    amount
}
