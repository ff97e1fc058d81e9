//! Fairness between tiers: weighted fair queueing, smallest virtual finish tag first.
//!
//! With the default weights 1:4:16:64 the heavier tiers go first in any ordinary burst, and the
//! free tier still gets its 1/85 of a saturated server. An idle tier gathers no credit: its next
//! start is never before virtual time.

use crate::domain::Tier;
use crate::domain::tier::Tiers;

/// Scale of tier tags, so that a cost divided by a large weight keeps its digits.
const SCALE: u128 = 1 << 16;

/// Virtual time of the four tiers. Tags are so wide that no server lives to see them overflow: a
/// free tier served ten thousand jobs a second would pass 2^64 within a year.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    weights: [u128; 4],
    /// Finish tag of the tier's last job.
    finish: [u128; 4],
    /// Start tag of the tier's next job, while it has one that may go. Fixed when the tier
    /// becomes ready: a waiting tier must not be pushed back by those that go.
    next: [Option<u128>; 4],
    virtual_time: u128,
}

impl Shares {
    pub(super) fn new(tiers: &Tiers) -> Self {
        let mut shares = Self::default();
        shares.set_weights(tiers);
        shares
    }

    pub(super) fn set_weights(&mut self, tiers: &Tiers) {
        self.weights = Tier::ALL.map(|tier| u128::from(tiers.of(tier).weight).max(1));
    }

    /// Notes whether the tier has a job that may go.
    pub(super) fn ready(&mut self, tier: Tier, ready: bool) {
        let start = self.start(tier);
        self.next[tier.index()] = ready.then_some(start);
    }

    /// Where the tier's next job starts.
    fn start(&self, tier: Tier) -> u128 {
        self.next[tier.index()].unwrap_or(self.finish[tier.index()].max(self.virtual_time))
    }

    /// The finish tag of the tier's next job. Never before virtual time: a tier whose lanes were
    /// shut while other lanes served other tiers comes back without credit.
    pub(super) fn next_finish(&self, tier: Tier, cost: u32) -> u128 {
        self.finish_after(tier, cost.into()).max(self.virtual_time)
    }

    /// The finish tag after `cost` of work of the tier from now on.
    pub(super) fn finish_after(&self, tier: Tier, cost: u64) -> u128 {
        self.start(tier) + u128::from(cost) * SCALE / self.weights[tier.index()]
    }

    /// The most work of the tier whose finish tag is below `finish`, or at it when `inclusive`.
    pub(super) fn work_by(&self, tier: Tier, finish: u128, inclusive: bool) -> u64 {
        let span =
            finish.saturating_sub(self.start(tier)) + u128::from(inclusive && finish >= self.start(tier));
        let work = span.saturating_mul(self.weights[tier.index()]);
        u64::try_from(work.div_ceil(SCALE).saturating_sub(1)).unwrap_or(u64::MAX)
    }

    /// A job of the tier goes.
    pub(super) fn went(&mut self, tier: Tier, cost: u32) {
        let finish = self.next_finish(tier, cost);
        let start = finish.saturating_sub(u128::from(cost) * SCALE / self.weights[tier.index()]);
        self.finish[tier.index()] = finish;
        self.next[tier.index()] = Some(finish);
        self.virtual_time = self.virtual_time.max(start);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next tier by the rule, all of `among` having work.
    fn next(shares: &mut Shares, among: &[Tier]) -> Tier {
        Tier::ALL.iter().for_each(|tier| shares.ready(*tier, among.contains(tier)));
        let tier = among
            .iter()
            .copied()
            .min_by_key(|tier| (shares.finish_after(*tier, 1000), std::cmp::Reverse(*tier)));
        let tier = tier.unwrap();
        shares.went(tier, 1000);
        tier
    }

    #[test]
    fn saturated_tiers_share_by_weight_and_none_starves() {
        let mut shares = Shares::new(&Tiers::default());
        let mut served = [0u32; 4];
        for _ in 0..8500 {
            served[next(&mut shares, &Tier::ALL).index()] += 1;
        }
        assert_eq!(served, [100, 400, 1600, 6400]);
    }

    #[test]
    fn an_idle_tier_gathers_no_credit() {
        let mut shares = Shares::new(&Tiers::default());
        for _ in 0..10_000 {
            next(&mut shares, &[Tier::Free]);
        }
        // Had it gathered credit, enterprise would go 640,000 times before free goes once. The one
        // free job that is under way may push the next one to the end of the second round.
        let both = [Tier::Free, Tier::Enterprise];
        let first_free = (1..).find(|_| next(&mut shares, &both) == Tier::Free);
        assert!(first_free.is_some_and(|turn| turn <= 2 * 64 + 1), "{first_free:?}");
    }
}
