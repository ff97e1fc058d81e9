//! Properties of the order itself, in closed systems: shares, isolation, places, use of quota.

use std::time::Duration;

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::lane::{CallEnd, CallReport, LaneSpec, LimitSeen, LimitsSeen, RetryPolicy};
use diagramd::domain::tier::Tiers;
use diagramd::domain::{
    Change, JobId, JobSeq, LaneName, Origin, QueuedJob, Tier, Timestamp, TokenUsage, UserId,
};
use diagramd::scheduler::core::{Action, Core};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// A core whose calls end at once, one decision at a time.
struct Closed {
    core: Core,
    now: Timestamp,
    jobs: Vec<QueuedJob>,
}

impl Closed {
    fn new(spec: LaneSpec) -> Self {
        let mut tiers = Tiers::default();
        tiers.0.iter_mut().for_each(|policy| policy.max_concurrent = 1000);
        let retry =
            RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(300) };
        Self {
            core: Core::new(vec![spec], tiers, retry, || 0.5),
            now: Timestamp(1_000_000),
            jobs: Vec::new(),
        }
    }

    fn add(&mut self, user: i64, tier: Tier, max_tokens: u32) -> JobSeq {
        let job = self.accept(user, tier, max_tokens);
        let seq = job.seq;
        self.core.committed(&Change::Queued(job), self.now);
        seq
    }

    /// The next job, of which the core has not heard.
    fn accept(&mut self, user: i64, tier: Tier, max_tokens: u32) -> QueuedJob {
        let seq = self.jobs.len() as i64;
        let job = QueuedJob {
            seq: JobSeq(seq),
            id: JobId((seq as u128).to_be_bytes()),
            user: UserId(user),
            tier,
            estimated_input: 500,
            max_tokens,
            model: None,
            run: 0,
            strikes: 0,
            created_at: self.now,
            retry_at: None,
            deadline_at: None,
        };
        self.jobs.push(job.clone());
        job
    }

    fn claims(&mut self) -> Vec<JobSeq> {
        let mut actions = Vec::new();
        self.core.step(self.now, &mut actions);
        actions
            .iter()
            .map(|action| match action {
                Action::Claim { seq, .. } => *seq,
                Action::Expire(_) | Action::Fail(..) => panic!("nothing expires here"),
            })
            .collect()
    }

    fn finish(&mut self, seq: JobSeq, usage: TokenUsage) {
        self.core.call_sent(seq, 1, self.now);
        let report = CallReport { seq, run: 1, end: CallEnd::Answered, usage, sent: true };
        self.core.call_ended(&report, self.now);
        let job = &self.jobs[seq.0 as usize];
        let how = EndKind::Cancelled;
        let ended = Ended {
            seq,
            id: job.id,
            user: job.user,
            created_at: job.created_at,
            ended_at: self.now,
            was_running: true,
            how,
            origin: Origin::default(),
            shared: None,
        };
        self.core.committed(&Change::Ended(ended), self.now);
    }

    /// Everything that waits, in the order it goes.
    fn order(&mut self) -> Vec<JobSeq> {
        let mut order = Vec::new();
        loop {
            let claims = self.claims();
            if claims.is_empty() {
                return order;
            }
            for seq in claims {
                self.finish(seq, TokenUsage::default());
                order.push(seq);
            }
        }
    }
}

fn unlimited() -> LaneSpec {
    LaneSpec {
        name: LaneName::from("lane"),
        model: "m".into(),
        max_concurrent: 1,
        requests_per_minute: 0,
        tokens_per_minute: 0,
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: Duration::from_millis(500),
    }
}

#[test]
fn a_saturated_server_is_shared_by_weight() {
    let mut closed = Closed::new(unlimited());
    for round in 0..2000 {
        for tier in Tier::ALL {
            closed.add(tier.index() as i64 * 10 + round % 3, tier, 1000);
        }
    }
    let order = closed.order();
    let mut served = [0u32; 4];
    for seq in &order[..850] {
        served[closed.jobs[seq.0 as usize].tier.index()] += 1;
    }
    println!("of 850 while all tiers wait: {served:?}, weights 1:4:16:64");
    assert_eq!(served, [10, 40, 160, 640]);
    assert_eq!(order.len(), 8000, "nothing starves");
}

#[test]
fn a_thousand_jobs_of_one_user_delay_another_by_one() {
    let mut closed = Closed::new(unlimited());
    for _ in 0..1000 {
        closed.add(1, Tier::Free, 1000);
    }
    closed.claims();
    let late = closed.add(2, Tier::Free, 1000);
    let place = closed.core.place(late, closed.now).unwrap();
    assert!(place.position <= 2, "{place:?}");
}

#[test]
fn places_are_within_three_of_the_true_order() {
    let mut worst = 0;
    for seed in 0..40 {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut closed = Closed::new(LaneSpec {
            tokens_per_minute: 200_000,
            requests_per_minute: 1_000_000,
            ..unlimited()
        });
        // The lane must not run dry: the order is what is looked at.
        closed.core.set_lanes(vec![unlimited()]);
        for _ in 0..rng.random_range(2..600) {
            let user = rng.random_range(0..12);
            let max_tokens = if seed % 2 == 0 { 2048 } else { rng.random_range(100..8000) };
            closed.add(user, Tier::ALL[(user % 4) as usize], max_tokens);
        }
        let told: Vec<(JobSeq, u64)> = closed
            .jobs
            .iter()
            .map(|job| (job.seq, closed.core.place(job.seq, closed.now).unwrap().position))
            .collect();
        let order = closed.order();
        assert_eq!(order.len(), told.len());
        for (seq, position) in told {
            let truth = order.iter().position(|other| *other == seq).unwrap() as u64 + 1;
            let off = truth.abs_diff(position);
            worst = worst.max(off);
            assert!(off <= 3, "seed {seed}: {seq:?} was told {position} and went as {truth}");
        }
    }
    println!("places were off by at most {worst}");
}

/// The quickest of a few decisions, with `capped` jobs of one user at its cap in front.
fn decision_behind(capped: i64) -> Duration {
    let mut closed = Closed::new(LaneSpec { max_concurrent: 100_000, ..unlimited() });
    let mut tiers = Tiers::default();
    tiers.0.iter_mut().for_each(|policy| policy.max_concurrent = 1);
    closed.core.reconfigure(&tiers);
    (0..capped + 1).for_each(|_| {
        closed.add(1, Tier::Free, 1000);
    });
    assert_eq!(closed.claims(), [JobSeq(0)], "one goes, and its user is at its cap");
    let mut quickest = Duration::MAX;
    for user in 2..50 {
        let seq = closed.add(user, Tier::Free, 1000);
        let begin = std::time::Instant::now();
        let claims = closed.claims();
        quickest = quickest.min(begin.elapsed());
        assert_eq!(claims, [seq], "the other user's job goes at once");
    }
    quickest
}

#[test]
fn a_hundred_thousand_capped_jobs_in_front_cost_nothing() {
    let (few, many) = (decision_behind(1), decision_behind(100_000));
    println!("a decision behind one capped job: {few:?}; behind 100,000: {many:?}");
    // A scan of them would take a thousand times as long.
    assert!(many <= few * 20 + Duration::from_micros(50), "{few:?} {many:?}");
}

#[test]
fn hostile_limits_and_usage_overflow_nothing() {
    for limit in [0, 1, u64::MAX] {
        for amount in [0, 1, u64::MAX] {
            let spec = LaneSpec {
                max_concurrent: u32::MAX,
                requests_per_minute: limit,
                tokens_per_minute: limit,
                input_tokens_per_minute: limit,
                output_tokens_per_minute: limit,
                ..unlimited()
            };
            let mut closed = Closed::new(spec.clone());
            (0..5).for_each(|user| {
                closed.add(user, Tier::ALL[(user % 4) as usize], u32::MAX);
            });
            let seen = LimitSeen { limit: amount, remaining: amount };
            let seen = LimitsSeen {
                requests: Some(seen),
                tokens: Some(seen),
                input_tokens: Some(seen),
                output_tokens: Some(seen),
            };
            let mut gone = 0;
            for _ in 0..200 {
                for seq in closed.claims() {
                    closed.core.limits_seen(&spec.name, &seen, closed.now);
                    closed.finish(seq, TokenUsage { input: amount, output: amount, ..TokenUsage::default() });
                    gone += 1;
                }
                closed.core.overview(closed.now);
                closed.now = closed.now.after(Duration::from_secs(31));
            }
            assert_eq!(gone, 5, "limit {limit}, usage {amount}: a call goes when the window is empty");
            assert!(closed.core.is_at_rest());
        }
    }
}

#[test]
fn a_clock_that_is_set_back_stops_no_lane() {
    let mut closed = Closed::new(LaneSpec { requests_per_minute: 2, ..unlimited() });
    closed.now = Timestamp(10_000_000);
    (0..4).for_each(|user| {
        closed.add(user, Tier::Free, 1000);
    });
    let mut order = closed.order();
    assert_eq!(order.len(), 2, "the minute's budget is used");
    closed.now = Timestamp(5_000_000);
    assert!(closed.order().is_empty(), "it was used a moment ago, whatever the clock says");
    closed.now = Timestamp(5_000_000 + 59_000);
    assert!(closed.order().is_empty());
    closed.now = Timestamp(5_000_000 + 62_000);
    order.extend(closed.order());
    assert_eq!(order.len(), 4, "a minute later there is room, not an hour and a half later");
}

#[test]
fn a_clock_that_is_set_forward_expires_no_charge() {
    let mut closed = Closed::new(LaneSpec { requests_per_minute: 2, ..unlimited() });
    closed.now = Timestamp(10_000_000);
    (0..4).for_each(|user| {
        closed.add(user, Tier::Free, 1000);
    });
    let mut order = closed.order();
    assert_eq!(order.len(), 2, "the minute's budget is used");
    closed.now = Timestamp(10_000_000 + 61_000);
    closed.core.clock_set_forward(Duration::from_secs(61), closed.now);
    assert!(closed.order().is_empty(), "it was used a moment ago, whatever the clock says");
    closed.now = Timestamp(closed.now.0 + 62_000);
    order.extend(closed.order());
    assert_eq!(order.len(), 4);
}

#[test]
fn a_queue_is_not_empty_before_the_last_in_it_goes() {
    let mut closed = Closed::new(LaneSpec { max_concurrent: 100, ..unlimited() });
    let mut tiers = Tiers::default();
    tiers.0.iter_mut().for_each(|policy| policy.max_concurrent = 1);
    closed.core.reconfigure(&tiers);
    let jobs: Vec<JobSeq> = (0..3).map(|_| closed.add(1, Tier::Free, 1000)).collect();
    assert_eq!(closed.claims(), jobs[..1], "one at a time");
    let told = |seq: JobSeq| closed.core.place(seq, closed.now).unwrap().estimated_wait_seconds;
    assert_eq!((told(jobs[1]), told(jobs[2])), (5, 10));
    assert_eq!(closed.core.overview(closed.now).estimated_drain_seconds, Some(10));
    closed.core.committed(&Change::Paused(true), closed.now);
    assert_eq!(closed.core.overview(closed.now).estimated_drain_seconds, None, "nobody knows");
}

#[test]
fn what_shared_a_call_waits_where_it_was_accepted_once_it_needs_its_own() {
    let mut closed = Closed::new(unlimited());
    closed.core.committed(&Change::Paused(true), closed.now);
    let before: Vec<JobSeq> = (0..3).map(|_| closed.add(1, Tier::Pro, 1000)).collect();
    let shared = closed.accept(1, Tier::Pro, 1000);
    let behind: Vec<JobSeq> = (0..3).map(|_| closed.add(1, Tier::Pro, 1000)).collect();
    let leader = closed.jobs[0].id;
    let released = Change::Released { leader, job: shared.clone(), was_running: false };
    closed.core.committed(&released, closed.now);
    let position = closed.core.place(shared.seq, closed.now).unwrap().position;
    assert!((4..=5).contains(&position), "{position}: as if it had waited all along, or one behind");
    closed.core.committed(&Change::Paused(false), closed.now);
    assert_eq!(closed.order(), [before, vec![shared.seq], behind].concat());
}
