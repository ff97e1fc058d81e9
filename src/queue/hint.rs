//! Telling a user of a larger tier before a limit stands in the way.

use crate::domain::limits::UserCounts;
use crate::domain::{Tier, TierPolicy};

use super::refusal::named;
use super::{Queue, Rules, Upgrade};

/// From this share of a limit on, in percent.
const HINT_PERCENT: u64 = 80;

impl Queue {
    /// The tier that gives more room to a user who has used most of an hour or a day.
    pub fn upgrade_hint(&self, tier: Tier, counts: &UserCounts) -> Option<Upgrade> {
        hint(&self.rules(), tier, counts)
    }
}

fn hint(rules: &Rules, tier: Tier, counts: &UserCounts) -> Option<Upgrade> {
    let policy = rules.tiers.of(tier);
    let (what, of): (_, fn(&TierPolicy) -> u32) = if is_nearly_used(counts.day, policy.requests_per_day) {
        ("requests a day", |policy| policy.requests_per_day)
    } else if is_nearly_used(counts.hour, policy.requests_per_hour) {
        ("requests an hour", |policy| policy.requests_per_hour)
    } else {
        return None;
    };
    let better = rules.upgrade(tier, |other| of(other) > of(policy))?;
    let policy = rules.tiers.of(better);
    Some(named(better, format!("The {better} tier has {} {what}.", of(policy)), policy))
}

fn is_nearly_used(used: u32, limit: u32) -> bool {
    u64::from(used) * 100 >= u64::from(limit) * HINT_PERCENT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_of_a_limit_is_eighty_percent_of_it() {
        assert!(!is_nearly_used(3, 5));
        assert!(is_nearly_used(4, 5));
        assert!(is_nearly_used(0, 0), "a tier that may send none");
        assert!(is_nearly_used(u32::MAX, u32::MAX));
    }
}
