//! Limits and defaults in force, swapped whole on a reload.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::prices::PriceBook;
use crate::domain::tier::Tiers;
use crate::domain::{Brief, DiagramType, Money, Tier, TierPolicy};
use crate::store::commands::SubmitLimits;

use super::CacheRules;
use super::ports::{FillTemplate, Telling};

/// Estimates the input tokens of a call, prompt and system prompt together.
pub type EstimateInput = fn(DiagramType, &Brief) -> u32;

/// What a submission is checked against.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Tier limits.
    pub tiers: Tiers,
    /// Characters of a prompt.
    pub max_prompt_chars: usize,
    /// `maxTokens` of a request that names none.
    pub default_max_tokens: u32,
    /// The largest `maxTokens`.
    pub max_tokens_cap: u32,
    /// Deadline of a request that names none.
    pub default_deadline: Option<Duration>,
    /// Waiting jobs of the whole server.
    pub max_queued: u32,
    /// What calls cost.
    pub prices: PriceBook,
    /// The templates.
    pub templates: Arc<dyn FillTemplate>,
    /// Where ends may be told.
    pub telling: Arc<dyn Telling>,
    /// Input tokens of a call.
    pub estimate_input: EstimateInput,
    /// Moves when any prompt does: no answer of before is one of now.
    pub prompt_version: u32,
    /// Whether equal requests in flight share one call.
    pub coalesce: bool,
    /// How long answers serve equal requests; `None`: never.
    pub cache: Option<CacheRules>,
}

impl Rules {
    /// The limits of one submission by a user of `tier`.
    pub fn submit_limits(&self, tier: Tier) -> SubmitLimits {
        let policy = self.tiers.of(tier);
        SubmitLimits {
            per_hour: policy.requests_per_hour,
            per_day: policy.requests_per_day,
            max_queued_user: policy.max_queued,
            max_queued_server: self.max_queued,
            monthly_budget: policy.monthly_budget,
        }
    }

    /// The lightest heavier tier for which `allows` holds.
    pub fn upgrade(&self, tier: Tier, allows: impl Fn(&TierPolicy) -> bool) -> Option<Tier> {
        Tier::ALL.into_iter().find(|other| *other > tier && allows(self.tiers.of(*other)))
    }

    /// Whether a tier may ask for `model`: one of its own, or, when it names none, an upstream's.
    pub fn allows_model(&self, policy: &TierPolicy, model: &str) -> bool {
        if policy.models.is_empty() {
            self.prices.0.iter().any(|pricing| pricing.model == model)
        } else {
            policy.models.iter().any(|allowed| allowed == model)
        }
    }

    /// The most that one call can cost.
    pub fn reserve(&self, model: Option<&str>, input: u32, output: u32) -> Money {
        self.prices.ceiling(model, u64::from(input), u64::from(output))
    }
}
