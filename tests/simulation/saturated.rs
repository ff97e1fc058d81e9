//! One saturated lane against an upstream that enforces its limits: how much of the quota is
//! used, and how often the upstream refuses. Used by the tests and by `benches/scheduler.rs`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::ops::Range;
use std::time::Duration;

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::lane::{CallEnd, CallReport, LaneSpec, LimitsSeen, RetryPolicy, Verdict};
use diagramd::domain::tier::Tiers;
use diagramd::domain::{
    Change, JobId, JobSeq, LaneName, Origin, QueuedJob, Tier, Timestamp, TokenUsage, UserId,
};
use diagramd::scheduler::core::{Action, Core};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::trial::{Figures, Trial};
use crate::upstream::{Meter, Window};

/// The first minutes fill the window and let the scheduler learn; they are not measured.
const WARM_UP_MINUTES: i64 = 5;
/// Jobs that wait at any time.
const WAITING: usize = 60;
const COMMIT_MS: i64 = 5;
const NETWORK_MS: Range<i64> = 5..150;
/// Parts in which output reaches the meter while it is produced.
const CHUNKS: i64 = 8;
/// How long a restart takes.
const RESTART_MS: i64 = 2000;
const INPUT: u32 = 500;

#[derive(Clone, Copy, Debug)]
enum Event {
    Wake,
    Send(JobSeq, u32),
    Arrive(JobSeq, u32),
    Headers(JobSeq, u32, LimitsSeen),
    Refused(JobSeq, u32, Duration),
    Produce(JobSeq, u32, u64),
    End(JobSeq, u32),
    Other,
    Crash,
}

struct Call {
    run: u32,
    sent: Option<Timestamp>,
    output: u64,
}

struct Saturated {
    trial: Trial,
    rng: StdRng,
    begin: Timestamp,
    now: Timestamp,
    core: Core,
    shared: Meter,
    strict: Meter,
    events: BinaryHeap<Reverse<(i64, u64)>>,
    due: BTreeMap<u64, Event>,
    order: u64,
    waiting: BTreeMap<JobSeq, QueuedJob>,
    calls: BTreeMap<JobSeq, Call>,
    charges: Vec<(TokenUsage, Timestamp, Timestamp)>,
    next_seq: i64,
    woken_for: Option<Timestamp>,
    refused_by_minute: BTreeMap<i64, u64>,
    other_requests: u64,
    other_tokens: u64,
    figures: Figures,
}

/// Runs one trial; deterministic.
pub fn run(trial: Trial) -> Figures {
    let begin = Timestamp(1_800_000_000_000);
    let core = core(&trial);
    let (requests, tokens) = (trial.requests_per_minute, trial.tokens_per_minute);
    let saturated = Saturated {
        rng: StdRng::seed_from_u64(trial.seed),
        begin,
        now: begin,
        core,
        shared: Meter::new(trial.window, requests, tokens),
        strict: Meter::new(Window::Sliding, requests, tokens),
        events: BinaryHeap::new(),
        due: BTreeMap::new(),
        order: 0,
        waiting: BTreeMap::new(),
        calls: BTreeMap::new(),
        charges: Vec::new(),
        next_seq: 1,
        woken_for: None,
        refused_by_minute: BTreeMap::new(),
        other_requests: 0,
        other_tokens: 0,
        figures: Figures::default(),
        trial,
    };
    saturated.go()
}

fn core(trial: &Trial) -> Core {
    let spec = LaneSpec {
        name: lane(),
        model: "model".into(),
        max_concurrent: trial.max_concurrent,
        requests_per_minute: trial.requests_per_minute,
        tokens_per_minute: trial.tokens_per_minute,
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: Duration::from_secs(1),
    };
    let mut tiers = Tiers::default();
    tiers.0.iter_mut().for_each(|policy| policy.max_concurrent = 1000);
    let retry = RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(300) };
    Core::new(vec![spec], tiers, retry, || 0.5)
}

fn lane() -> LaneName {
    LaneName::from("lane")
}

impl Saturated {
    fn go(mut self) -> Figures {
        let begin = self.begin;
        let measured_from = begin.0 + WARM_UP_MINUTES * 60_000;
        let end = begin.0 + self.trial.minutes * 60_000;
        if let Some(minutes) = self.trial.crash_after_minutes {
            self.after(minutes * 60_000 + 17, Event::Crash);
        }
        if self.trial.other > 0.0 {
            self.after(0, Event::Other);
        }
        let mut before = None;
        self.think();
        while let Some(Reverse((at, order))) = self.events.pop() {
            if at >= end {
                break;
            }
            if before.is_none() && at >= measured_from {
                before = Some(self.totals());
                self.figures.refused_in_warm_up = std::mem::take(&mut self.figures.refused);
                self.refused_by_minute.clear();
            }
            self.now = Timestamp(at);
            if let Some(event) = self.due.remove(&order) {
                self.happen(event);
                self.think();
            }
        }
        let minutes = (self.trial.minutes - WARM_UP_MINUTES) as u64;
        let (before, after) = (before.unwrap_or_default(), self.totals());
        let used = |limit: u64, ours: u64, others: u64| {
            if limit == 0 { 0.0 } else { ours as f64 / (limit * minutes).saturating_sub(others) as f64 }
        };
        self.figures.requests_used =
            used(self.trial.requests_per_minute, after.0 - before.0, after.2 - before.2);
        self.figures.tokens_used = used(self.trial.tokens_per_minute, after.1 - before.1, after.3 - before.3);
        self.figures.refused_most = self.refused_by_minute.values().copied().max().unwrap_or(0);
        self.figures
    }

    fn totals(&self) -> (u64, u64, u64, u64) {
        (self.strict.requests.total, self.strict.tokens.total, self.other_requests, self.other_tokens)
    }

    fn after(&mut self, ms: i64, event: Event) {
        self.order += 1;
        self.events.push(Reverse((self.now.0 + ms, self.order)));
        self.due.insert(self.order, event);
    }

    fn delay(&mut self) -> i64 {
        self.rng.random_range(NETWORK_MS)
    }

    /// Keeps the lane saturated and carries the core's decisions out.
    fn think(&mut self) {
        while self.waiting.len() < WAITING {
            self.submit();
        }
        let mut actions = Vec::new();
        loop {
            let wake = self.core.step(self.now, &mut actions);
            if actions.is_empty() {
                if let Some(at) =
                    wake.filter(|at| self.woken_for.is_none_or(|known| *at < known || known <= self.now))
                {
                    self.woken_for = Some(at);
                    self.after(at.0 - self.now.0, Event::Wake);
                }
                return;
            }
            for action in actions.drain(..) {
                let Action::Claim { seq, run, .. } = action else { panic!("nothing ends unasked here") };
                self.calls.insert(seq, Call { run: run + 1, sent: None, output: 0 });
                self.order += 1;
                self.events.push(Reverse((self.now.0 + COMMIT_MS, self.order)));
                self.due.insert(self.order, Event::Send(seq, run + 1));
            }
        }
    }

    fn submit(&mut self) {
        let seq = JobSeq(self.next_seq);
        self.next_seq += 1;
        let job = QueuedJob {
            seq,
            id: JobId([0; 16]),
            user: UserId(self.next_seq % 40),
            tier: Tier::Pro,
            estimated_input: INPUT,
            max_tokens: self.trial.max_tokens,
            model: None,
            run: 0,
            strikes: 0,
            created_at: self.now,
            retry_at: None,
            deadline_at: None,
        };
        self.core.committed(&Change::Queued(job.clone()), self.now);
        self.waiting.insert(seq, job);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake => {}
            Event::Send(seq, run) => self.send(seq, run),
            Event::Arrive(seq, run) => self.arrive(seq, run),
            Event::Headers(seq, run, seen) => {
                if self.is_open(seq, run) {
                    self.core.limits_seen(&lane(), &seen, self.now);
                }
            }
            Event::Refused(seq, run, wait) => self.end(seq, run, Some(wait)),
            Event::Produce(seq, run, tokens) => {
                if self.is_open(seq, run) {
                    self.shared.tokens.add(tokens, self.now);
                    self.figures.over += u64::from(!self.strict.tokens.add(tokens, self.now));
                }
            }
            Event::End(seq, run) => self.end(seq, run, None),
            Event::Other => self.other(),
            Event::Crash => self.crash(),
        }
    }

    fn is_open(&self, seq: JobSeq, run: u32) -> bool {
        self.calls.get(&seq).is_some_and(|call| call.run == run)
    }

    fn send(&mut self, seq: JobSeq, run: u32) {
        if self.is_open(seq, run) {
            self.core.call_sent(seq, run, self.now);
            if let Some(call) = self.calls.get_mut(&seq) {
                call.sent = Some(self.now);
            }
            let delay = self.delay();
            self.after(delay, Event::Arrive(seq, run));
        }
    }

    fn arrive(&mut self, seq: JobSeq, run: u32) {
        if !self.is_open(seq, run) {
            return;
        }
        let wait = self.shared.arrive(INPUT.into(), self.now);
        let seen = LimitsSeen {
            requests: self.shared.requests.told(self.now),
            tokens: self.shared.tokens.told(self.now),
            ..LimitsSeen::default()
        };
        let back = self.delay();
        if self.trial.headers {
            self.after(back, Event::Headers(seq, run, seen));
        }
        if let Some(wait) = wait {
            self.figures.refused += 1;
            *self.refused_by_minute.entry(self.now.0 / 60_000).or_default() += 1;
            self.after(back, Event::Refused(seq, run, wait));
            return;
        }
        let requests_hold = self.strict.requests.add(1, self.now);
        let tokens_hold = self.strict.tokens.add(INPUT.into(), self.now);
        self.figures.over += u64::from(!requests_hold || !tokens_hold);
        let output = self.rng.random_range(self.trial.output.clone());
        let took = self.rng.random_range(self.trial.call_ms.clone());
        for chunk in 1..=CHUNKS {
            let tokens = output / CHUNKS as u64 + if chunk == CHUNKS { output % CHUNKS as u64 } else { 0 };
            self.after(took * chunk / CHUNKS, Event::Produce(seq, run, tokens));
        }
        if let Some(call) = self.calls.get_mut(&seq) {
            call.output = output;
        }
        self.after(took + back, Event::End(seq, run));
    }

    fn end(&mut self, seq: JobSeq, run: u32, refused: Option<Duration>) {
        if !self.is_open(seq, run) {
            return;
        }
        let Some(call) = self.calls.remove(&seq) else { return };
        let sent = call.sent.unwrap_or(self.now);
        let (end, usage) = match refused {
            Some(wait) => (CallEnd::Limited { retry_after: Some(wait) }, TokenUsage::default()),
            None => (
                CallEnd::Answered,
                TokenUsage { input: INPUT.into(), output: call.output, ..TokenUsage::default() },
            ),
        };
        self.charges.push((usage, sent, self.now));
        let report = CallReport { seq, run, end, usage, sent: true };
        let verdict = self.core.call_ended(&report, self.now);
        let Some(job) = self.waiting.get_mut(&seq) else { return };
        if let Verdict::Retry { at, strike, failed, reason } = verdict {
            assert!(!strike && !failed, "a 429 costs no attempt");
            job.run = run;
            job.retry_at = at;
            let job = job.clone();
            self.core
                .committed(&Change::Requeued { job, attempts: 0, reason, failed, repairing: None }, self.now);
            return;
        }
        let job = self.waiting.remove(&seq).expect("it was there");
        self.figures.answered += 1;
        self.figures.longest = self.figures.longest.max(self.now.since(job.created_at));
        let ended = Ended {
            seq,
            id: job.id,
            user: job.user,
            created_at: job.created_at,
            ended_at: self.now,
            was_running: true,
            how: EndKind::Cancelled,
            origin: Origin::default(),
            shared: None,
        };
        self.core.committed(&Change::Ended(ended), self.now);
    }

    /// The other consumer: at random, a request at a time, as many as its part of the limit.
    fn other(&mut self) {
        if self.now.since(self.begin).as_secs()
            >= self.trial.other_leaves_after_minutes.unsigned_abs().saturating_mul(60)
        {
            return;
        }
        let output = self.rng.random_range(self.trial.output.clone());
        if self.shared.arrive(INPUT.into(), self.now).is_none() {
            self.other_requests += 1;
            self.other_tokens += u64::from(INPUT) + output;
            self.shared.tokens.add(output, self.now);
        }
        let a_minute = self.trial.requests_per_minute as f64 * self.trial.other;
        let pause = -self.rng.random::<f64>().max(1e-9).ln() * 60_000.0 / a_minute;
        self.after(pause as i64 + 1, Event::Other);
    }

    /// Everything in memory goes. A start reads what was committed: calls that were cut count
    /// as held, from the start on.
    fn crash(&mut self) {
        let cut: Vec<JobSeq> = self.calls.keys().copied().collect();
        self.calls.clear();
        self.due.retain(|_, event| matches!(event, Event::Other));
        self.woken_for = None;
        self.now = self.now.after(Duration::from_millis(RESTART_MS.unsigned_abs()));
        self.core = core(&self.trial);
        for seq in cut {
            if let Some(job) = self.waiting.get_mut(&seq) {
                job.run += 1;
            }
            let usage = TokenUsage {
                input: INPUT.into(),
                output: self.trial.max_tokens.into(),
                ..TokenUsage::default()
            };
            self.charges.push((usage, self.now, self.now));
        }
        for job in self.waiting.values() {
            self.core.committed(&Change::Queued(job.clone()), self.now);
        }
        for (usage, sent, ended) in &self.charges {
            self.core.restore_charge(&lane(), usage, *sent, *ended);
        }
    }
}
