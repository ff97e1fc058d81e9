//! What would the waits have been on another plan? Calls of the past go through the same core as a
//! server's, on a virtual clock: days take moments.
//!
//! Each call comes when it could first have been made, holds the tokens that were estimated for it,
//! and takes as long and uses as much as it did. That the upstream would have answered as quickly, and
//! that people would have asked the same, is assumed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::core::{Action, Core};
use crate::domain::change::{EndKind, Ended};
use crate::domain::lane::{CallEnd, CallReport, LaneSpec, RetryPolicy};
use crate::domain::past::PastCall;
use crate::domain::tier::Tiers;
use crate::domain::{Change, JobId, JobSeq, Origin, QueuedJob, Tier, Timestamp};

/// No call fails here, so that none is tried again.
const RETRY: RetryPolicy =
    RetryPolicy { max_attempts: 1, base: Duration::from_secs(1), cap: Duration::from_secs(1) };

/// A call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// The tier it was queued under.
    pub tier: Tier,
    /// From its being ready to its being sent.
    pub wait: Duration,
}

/// How long each of the first calls of requests waits on these upstreams. The calls come in the order in
/// which they became ready; further ones of a request take their part of the limits.
pub fn replay(calls: &[PastCall], lanes: Vec<LaneSpec>, tiers: &Tiers) -> Vec<Waited> {
    let now = calls.first().map_or(Timestamp(0), |call| call.ready_at);
    let core = Core::new(lanes, tiers.clone(), RETRY, || 0.5);
    let mut replay = Replay { calls, core, now, running: BinaryHeap::new(), made: Vec::new() };
    replay.go();
    replay.made
}

struct Replay<'a> {
    calls: &'a [PastCall],
    core: Core,
    now: Timestamp,
    /// When each ends, and which it is.
    running: BinaryHeap<Reverse<(Timestamp, usize)>>,
    made: Vec<Waited>,
}

impl Replay<'_> {
    fn go(&mut self) {
        let mut arrived = 0;
        let mut wake = None;
        loop {
            let arrival = self.calls.get(arrived).map(|call| call.ready_at);
            let end = self.running.peek().map(|Reverse((at, _))| *at);
            let Some(next) = [arrival, end, wake].into_iter().flatten().min() else { return };
            self.now = self.now.max(next);
            while let Some(call) = self.calls.get(arrived).filter(|call| call.ready_at <= self.now) {
                let job = queued(arrived, call);
                self.core.committed(&Change::Queued(job), self.now);
                arrived += 1;
            }
            while let Some(Reverse((at, place))) = self.running.peek().copied()
                && at <= self.now
            {
                self.running.pop();
                self.end(place);
            }
            wake = self.decide();
        }
    }

    /// Carries out what the core decides now; returns when it wants to look again.
    fn decide(&mut self) -> Option<Timestamp> {
        let mut actions = Vec::new();
        loop {
            let wake = self.core.step(self.now, &mut actions);
            if actions.is_empty() {
                // The moment that is now has been looked at.
                return wake.map(|at| at.max(Timestamp(self.now.0 + 1)));
            }
            for action in actions.drain(..) {
                match action {
                    Action::Claim { seq, run, .. } => self.send(seq, run + 1),
                    Action::Fail(seq, _) | Action::Expire(seq) => self.over(place_of(seq), false),
                }
            }
        }
    }

    fn send(&mut self, seq: JobSeq, run: u32) {
        let place = place_of(seq);
        let call = &self.calls[place];
        self.core.call_sent(seq, run, self.now);
        if call.is_first {
            self.made.push(Waited { tier: call.tier, wait: self.now.since(call.ready_at) });
        }
        self.running.push(Reverse((self.now.after(call.took), place)));
    }

    fn end(&mut self, place: usize) {
        let usage = self.calls[place].usage;
        let report = CallReport { seq: seq_of(place), run: 1, end: CallEnd::Answered, usage, sent: true };
        self.core.call_ended(&report, self.now);
        self.over(place, true);
    }

    fn over(&mut self, place: usize, was_running: bool) {
        let call = &self.calls[place];
        let ended = Ended {
            seq: seq_of(place),
            id: id_of(place),
            user: call.user,
            created_at: call.ready_at,
            ended_at: self.now,
            was_running,
            // The core asks only that it is over.
            how: EndKind::Cancelled,
            origin: Origin::default(),
            shared: None,
        };
        self.core.committed(&Change::Ended(ended), self.now);
    }
}

fn queued(place: usize, call: &PastCall) -> QueuedJob {
    QueuedJob {
        seq: seq_of(place),
        id: id_of(place),
        user: call.user,
        tier: call.tier,
        estimated_input: call.estimated_input,
        max_tokens: call.estimated_output,
        // Whatever it asked for: the plan is one for all models.
        model: None,
        run: 0,
        strikes: 0,
        created_at: call.ready_at,
        retry_at: None,
        deadline_at: None,
    }
}

/// As in the database, the first is 1.
fn seq_of(place: usize) -> JobSeq {
    JobSeq(i64::try_from(place).map_or(i64::MAX, |place| place.saturating_add(1)))
}

fn place_of(seq: JobSeq) -> usize {
    usize::try_from(seq.0.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn id_of(place: usize) -> JobId {
    JobId((place as u128).to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{LaneName, TokenUsage, UserId};

    const MINUTE: Duration = Duration::from_secs(60);

    fn plan(requests_per_minute: u64, tokens_per_minute: u64) -> Vec<LaneSpec> {
        vec![LaneSpec {
            name: LaneName::from("plan"),
            model: "model".to_owned(),
            max_concurrent: 64,
            requests_per_minute,
            tokens_per_minute,
            input_tokens_per_minute: 0,
            output_tokens_per_minute: 0,
            network_margin: Duration::ZERO,
        }]
    }

    fn calls(count: i64, tier: Tier) -> Vec<PastCall> {
        let call = |at: i64| PastCall {
            user: UserId(at % 50),
            tier,
            ready_at: Timestamp(1_800_000_000_000),
            is_first: true,
            sent_at: Timestamp(1_800_000_000_000),
            estimated_input: 1_000,
            estimated_output: 1_000,
            usage: TokenUsage { input: 1_000, output: 1_000, ..TokenUsage::default() },
            took: Duration::from_secs(5),
        };
        (0..count).map(call).collect()
    }

    fn many_at_once() -> Tiers {
        let mut tiers = Tiers::default();
        tiers.0.iter_mut().for_each(|policy| policy.max_concurrent = 1_000);
        tiers
    }

    fn longest(calls: &[PastCall], plan: Vec<LaneSpec>) -> Duration {
        let made = replay(calls, plan, &many_at_once());
        assert_eq!(made.len(), calls.len());
        made.into_iter().map(|made| made.wait).max().unwrap_or_default()
    }

    #[test]
    fn a_hundred_at_once_take_four_times_as_long_on_a_quarter_of_the_requests() {
        let calls = calls(100, Tier::Pro);
        assert_eq!(longest(&calls, plan(0, 0)), 5 * Duration::from_secs(1), "64 at once, then the rest");
        let (small, large) = (longest(&calls, plan(25, 0)), longest(&calls, plan(100, 0)));
        assert!(small >= 3 * MINUTE && small < 4 * MINUTE, "{small:?}");
        assert!(large < MINUTE, "{large:?}");
    }

    #[test]
    fn tokens_are_waited_for_too() {
        // 20 calls of 2,000 tokens, 10 of them a minute.
        let longest = longest(&calls(20, Tier::Pro), plan(0, 20_000));
        assert!(longest >= MINUTE && longest < 2 * MINUTE, "{longest:?}");
    }

    #[test]
    fn what_is_larger_than_a_minute_goes_alone() {
        let made = replay(&calls(3, Tier::Free), plan(0, 1_500), &many_at_once());
        let minutes: Vec<u64> = made.iter().map(|made| made.wait.as_secs() / 60).collect();
        assert_eq!(minutes, [0, 1, 2]);
    }

    #[test]
    fn higher_tiers_wait_less() {
        let mut both = calls(50, Tier::Free);
        both.extend(calls(50, Tier::Enterprise));
        let made = replay(&both, plan(25, 0), &many_at_once());
        let mean = |tier| {
            let of_tier: Vec<Duration> =
                made.iter().filter(|made| made.tier == tier).map(|made| made.wait).collect();
            of_tier.iter().sum::<Duration>() / u32::try_from(of_tier.len()).unwrap()
        };
        assert!(mean(Tier::Enterprise) * 2 < mean(Tier::Free));
    }

    #[test]
    fn further_calls_of_a_request_take_room_and_are_no_waits() {
        let mut calls = calls(20, Tier::Pro);
        calls.iter_mut().take(10).for_each(|call| call.is_first = false);
        let made = replay(&calls, plan(10, 0), &many_at_once());
        assert_eq!(made.len(), 10);
        assert!(made.iter().all(|made| made.wait >= MINUTE), "those before them filled the first minute");
    }

    #[test]
    fn nothing_gives_nothing() {
        assert_eq!(replay(&[], plan(25, 200_000), &Tiers::default()), []);
    }
}
