//! The four tiers and what each allows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Money;

/// A user's tier, lightest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tier {
    /// People who pay nothing.
    #[default]
    Free,
    /// The first paid tier.
    Basic,
    /// For daily work.
    Pro,
    /// For whole companies.
    Enterprise,
}

impl Tier {
    /// Every tier, lightest first; `ALL[tier.index()] == tier`.
    pub const ALL: [Self; 4] = [Self::Free, Self::Basic, Self::Pro, Self::Enterprise];

    /// Position in [`Tier::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The name used in configuration, the database and answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Basic => "basic",
            Self::Pro => "pro",
            Self::Enterprise => "enterprise",
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no tier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown tier {0:?}; expected free, basic, pro or enterprise")]
pub struct UnknownTier(pub String);

impl FromStr for Tier {
    type Err = UnknownTier;

    fn from_str(text: &str) -> Result<Self, UnknownTier> {
        Self::ALL.into_iter().find(|tier| tier.name() == text).ok_or_else(|| UnknownTier(text.to_owned()))
    }
}

/// What a tier allows. A limit of 0 on requests means that the tier may send none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierPolicy {
    /// Requests accepted per UTC hour and user.
    pub requests_per_hour: u32,
    /// Requests accepted per UTC day and user.
    pub requests_per_day: u32,
    /// Calls running at once per user.
    pub max_concurrent: u32,
    /// Requests of one user that may wait at once.
    pub max_queued: u32,
    /// Share of a saturated server, relative to the other tiers; at least 1.
    pub weight: u32,
    /// Models the tier may ask for; the first is its default. Empty: the upstream's model.
    pub models: Vec<String>,
    /// Spending allowed per user and UTC month; `None` is unlimited.
    pub monthly_budget: Option<Money>,
    /// Price of the tier, shown in upgrade prompts.
    pub price_usd_month: Option<Money>,
    /// Where to upgrade, shown in upgrade prompts.
    pub upgrade_url: Option<String>,
}

/// The policies of all four tiers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers(pub [TierPolicy; 4]);

impl Tiers {
    /// The policy of `tier`.
    pub fn of(&self, tier: Tier) -> &TierPolicy {
        &self.0[tier.index()]
    }
}

impl Default for Tiers {
    /// The documented defaults: 5/10/1, 20/100/2, 100/500/5, 1000/5000/20; weights 1:4:16:64.
    fn default() -> Self {
        let policy = |requests_per_hour, requests_per_day, max_concurrent, weight| TierPolicy {
            requests_per_hour,
            requests_per_day,
            max_concurrent,
            max_queued: 50,
            weight,
            models: Vec::new(),
            monthly_budget: None,
            price_usd_month: None,
            upgrade_url: None,
        };
        Self([
            policy(5, 10, 1, 1),
            policy(20, 100, 2, 4),
            policy(100, 500, 5, 16),
            policy(1000, 5000, 20, 64),
        ])
    }
}
