//! Properties of the order itself, in closed systems: shares, isolation, places, use of quota.

use std::time::Duration;

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::lane::{CallEnd, CallReport, LaneSpec, RetryPolicy};
use diagramd::domain::tier::Tiers;
use diagramd::domain::{Change, JobId, JobSeq, LaneName, QueuedJob, Tier, Timestamp, TokenUsage, UserId};
use diagramd::scheduler::core::{Action, Core};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::upstream::Meter;

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
        self.core.committed(&Change::Queued(job.clone()), self.now);
        self.jobs.push(job);
        JobSeq(seq)
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

#[test]
fn a_saturated_quota_is_used_and_never_exceeded() {
    let spec = LaneSpec {
        max_concurrent: 8,
        requests_per_minute: 25,
        tokens_per_minute: 200_000,
        network_margin: Duration::from_secs(1),
        ..unlimited()
    };
    let minutes = 60;
    let (requests, _) = saturate(spec.clone(), 2048, 200..900, minutes);
    println!("requests used under saturation: {:.1} % of the limit", requests * 100.0);
    assert!(requests >= 0.97, "{requests}");
    let (_, tokens) = saturate(LaneSpec { requests_per_minute: 0, ..spec }, 2048, 1500..2048, minutes);
    println!("tokens used under saturation: {:.1} % of the limit", tokens * 100.0);
    assert!(tokens >= 0.95, "{tokens}");
}

/// Runs a saturated lane for `minutes` with calls of 2 s; returns the shares of requests and
/// tokens used after the first minute.
fn saturate(spec: LaneSpec, max_tokens: u32, output: std::ops::Range<u64>, minutes: i64) -> (f64, f64) {
    let mut rng = StdRng::seed_from_u64(7);
    let (requests_limit, tokens_limit) = (spec.requests_per_minute, spec.tokens_per_minute);
    let mut meter = Meter::new(requests_limit, tokens_limit);
    let mut closed = Closed::new(spec);
    let begin = closed.now;
    let mut running: Vec<(Timestamp, JobSeq)> = Vec::new();
    let mut counted = (0, 0);
    let mut user = 0;
    while closed.now.0 < begin.0 + minutes * 60_000 {
        while closed.core.waiting() < 50 {
            user += 1;
            closed.add(user % 40, Tier::Pro, max_tokens);
        }
        for seq in closed.claims() {
            closed.core.call_sent(seq, 1, closed.now);
            assert!(meter.request(closed.now) && meter.tokens(500, closed.now));
            running.push((Timestamp(closed.now.0 + 2000), seq));
        }
        closed.now = Timestamp(closed.now.0 + 10);
        let now = closed.now;
        let (ended, going): (Vec<_>, Vec<_>) = running.into_iter().partition(|(at, _)| *at <= now);
        running = going;
        for (_, seq) in ended {
            let output = rng.random_range(output.clone());
            assert!(meter.tokens(output, now), "too many tokens");
            closed.finish(seq, TokenUsage { input: 500, output, ..TokenUsage::default() });
        }
        if now.0 == begin.0 + 60_000 {
            counted = (meter.requests_total, meter.tokens_total);
        }
    }
    let share = |used: u64, limit: u64| used as f64 / (limit * (minutes as u64 - 1)).max(1) as f64;
    (
        share(meter.requests_total - counted.0, requests_limit),
        share(meter.tokens_total - counted.1, tokens_limit),
    )
}
