//! Users, a store, workers and upstreams around the core, all on one virtual clock.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::time::Duration;

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::failure::FailureCode;
use diagramd::domain::lane::{CallEnd, CallReport, LaneName, LaneSpec, LaneState, RetryPolicy, Verdict};
use diagramd::domain::tier::Tiers;
use diagramd::domain::{
    Brief, Change, Claimed, DiagramType, Failure, JobId, JobSeq, JobState, QueuedJob, Tier, Timestamp,
    TokenUsage, UserId,
};
use diagramd::scheduler::core::{Action, Core};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::upstream::Meter;

const MARGIN: Duration = Duration::from_millis(500);
const USERS: i64 = 8;
const ARRIVALS_END_MS: i64 = 240_000;
const LIMIT_MS: i64 = 3 * 3_600_000;

/// What a run came to.
#[derive(Debug, Default)]
pub struct Told {
    pub calls: u64,
    pub crashes: u64,
    pub ended: u64,
}

#[derive(Clone, Debug)]
enum Happening {
    Arrive,
    Commit(Write),
    Send { seq: i64, run: u32 },
    Reach { seq: i64, run: u32 },
    CallEnd { seq: i64, run: u32 },
    Crash,
    Wake,
}

/// A store write on its way to disk; writes commit in the order they were made.
#[derive(Clone, Debug)]
enum Write {
    Submit(QueuedJob),
    Claim { seq: i64, run: u32, lane: LaneName, input: u32, output: u32, fails: bool },
    Cancel(i64),
    Expire(i64),
    Settle { seq: i64, run: u32, verdict: Verdict, completed: bool },
}

/// A job as the store holds it.
struct Stored {
    job: QueuedJob,
    state: JobState,
    attempts: u32,
    terminal_states: u32,
}

/// A call as the store and the upstream know it.
#[derive(Clone)]
struct Call {
    lane: usize,
    user: UserId,
    input: u32,
    output: u32,
    sent: Option<Timestamp>,
    reached: bool,
    cancelled: bool,
}

/// A charge that a crash leaves behind.
struct Past {
    lane: LaneName,
    usage: TokenUsage,
    sent: Timestamp,
    ended: Timestamp,
}

pub struct World {
    rng: StdRng,
    now: Timestamp,
    core: Core,
    lanes: Vec<LaneSpec>,
    tiers: Tiers,
    meters: Vec<Meter>,
    outage: (i64, i64),
    events: BinaryHeap<Reverse<(i64, u64, usize)>>,
    happenings: Vec<Option<Happening>>,
    order: u64,
    commits_at: i64,
    store: HashMap<i64, Stored>,
    calls: HashMap<(i64, u32), Call>,
    past: Vec<Past>,
    next_seq: i64,
    fault_rate: f64,
    told: Told,
    woken_for: Option<Timestamp>,
    /// Calls open at the upstreams, by user.
    open: HashMap<UserId, u32>,
    /// When each lane was last probed.
    probed: HashMap<LaneName, i64>,
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let lanes: Vec<LaneSpec> = (0..rng.random_range(1..=2)).map(|index| lane(index, &mut rng)).collect();
        let tiers = Tiers::default();
        let core = core(&lanes, &tiers, rng.random());
        let meters = lanes.iter().map(|l| Meter::new(l.requests_per_minute, l.tokens_per_minute)).collect();
        let outage_begins = rng.random_range(0..ARRIVALS_END_MS);
        let outage_ends = outage_begins + if rng.random_bool(0.3) { 600_000 } else { 0 };
        let fault_rate = if rng.random_bool(0.5) { 0.0 } else { rng.random_range(0.0..0.3) };
        let mut world = Self {
            now: Timestamp(1_000_000_000),
            core,
            lanes,
            tiers,
            meters,
            outage: (1_000_000_000 + outage_begins, 1_000_000_000 + outage_ends),
            events: BinaryHeap::new(),
            happenings: Vec::new(),
            order: 0,
            commits_at: 0,
            store: HashMap::new(),
            calls: HashMap::new(),
            past: Vec::new(),
            next_seq: 1,
            fault_rate,
            told: Told::default(),
            woken_for: None,
            open: HashMap::new(),
            probed: HashMap::new(),
            rng,
        };
        let arrivals = world.rng.random_range(20..150);
        for _ in 0..arrivals {
            let at = world.rng.random_range(0..ARRIVALS_END_MS);
            world.after(at, Happening::Arrive);
        }
        for _ in 0..world.rng.random_range(0..3) {
            let at = world.rng.random_range(0..2 * ARRIVALS_END_MS);
            world.after(at, Happening::Crash);
        }
        world
    }

    pub fn run(mut self) -> Told {
        let end = self.now.0 + LIMIT_MS;
        while let Some(Reverse((at, _, index))) = self.events.pop() {
            assert!(at < end, "something starves: {} jobs still wait", self.core.waiting());
            self.now = Timestamp(at);
            if let Some(happening) = self.happenings[index].take() {
                self.happen(happening);
            }
            self.think();
        }
        for (seq, stored) in &self.store {
            assert!(stored.state.is_terminal(), "job {seq} never ended: {:?}", stored.state);
            assert_eq!(stored.terminal_states, 1, "job {seq} ended more than once");
        }
        assert!(self.core.is_at_rest(), "something stays reserved at rest");
        assert_eq!(self.core.waiting(), 0);
        self.told
    }

    fn after(&mut self, ms: i64, happening: Happening) {
        self.happenings.push(Some(happening));
        self.order += 1;
        self.events.push(Reverse((self.now.0 + ms, self.order, self.happenings.len() - 1)));
    }

    /// Writes reach the disk in order, a few milliseconds later.
    fn write(&mut self, write: Write) {
        let at = (self.now.0 + self.rng.random_range(1..10)).max(self.commits_at);
        self.commits_at = at;
        self.after(at - self.now.0, Happening::Commit(write));
    }

    fn think(&mut self) {
        let mut actions = Vec::new();
        loop {
            let down = self.lanes_down();
            let wake = self.core.step(self.now, &mut actions);
            if actions.is_empty() {
                if let Some(at) = wake.filter(|at| self.woken_for != Some(*at)) {
                    assert!(at > self.now, "a wake-up in the past spins");
                    self.woken_for = Some(at);
                    self.after(at.0 - self.now.0, Happening::Wake);
                }
                return;
            }
            for action in std::mem::take(&mut actions) {
                match action {
                    Action::Claim { seq, run, lane, estimated_input, estimated_output, .. } => {
                        if down.contains(&lane) {
                            let before = self.probed.insert(lane.clone(), self.now.0);
                            let since = before.map(|at| self.now.0 - at);
                            assert!(
                                since.is_none_or(|ms| ms >= 5000),
                                "{lane} was probed again after {since:?} ms"
                            );
                        }
                        let fails = self.rng.random_bool(0.01);
                        let (input, output) = (estimated_input, estimated_output);
                        self.write(Write::Claim { seq: seq.0, run, lane, input, output, fails });
                    }
                    Action::Expire(seq) => self.write(Write::Expire(seq.0)),
                    Action::Fail(..) => unreachable!("nothing here makes a job fail unasked"),
                }
            }
        }
    }

    fn lanes_down(&mut self) -> Vec<LaneName> {
        let lanes = self.core.overview(self.now).upstreams.into_iter();
        lanes.filter(|lane| lane.state == LaneState::Probing).map(|lane| lane.name).collect()
    }

    fn happen(&mut self, happening: Happening) {
        match happening {
            Happening::Wake => self.woken_for = None,
            Happening::Arrive => self.arrive(),
            Happening::Commit(write) => self.commit(write),
            Happening::Send { seq, run } => self.send(seq, run),
            Happening::Reach { seq, run } => self.reach(seq, run),
            Happening::CallEnd { seq, run } => self.call_end(seq, run),
            Happening::Crash => self.crash(),
        }
    }

    fn arrive(&mut self) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let user = self.rng.random_range(0..USERS);
        let deadline = self
            .rng
            .random_bool(0.05)
            .then(|| self.now.after(Duration::from_secs(self.rng.random_range(1..120))));
        let job = QueuedJob {
            seq: JobSeq(seq),
            id: JobId((seq as u128).to_be_bytes()),
            user: UserId(user),
            tier: Tier::ALL[(user % 4) as usize],
            estimated_input: self.rng.random_range(100..2000),
            max_tokens: self.rng.random_range(100..4000),
            model: None,
            run: 0,
            strikes: 0,
            created_at: self.now,
            retry_at: None,
            deadline_at: deadline,
        };
        self.write(Write::Submit(job));
        if self.rng.random_bool(0.1) {
            let at = self.rng.random_range(0..60_000);
            self.after(at, Happening::Commit(Write::Cancel(seq)));
        }
    }

    fn commit(&mut self, write: Write) {
        match write {
            Write::Submit(job) => {
                let seq = job.seq.0;
                self.store.insert(
                    seq,
                    Stored { job: job.clone(), state: JobState::Queued, attempts: 0, terminal_states: 0 },
                );
                self.tell(Change::Queued(job));
                self.check_place(seq);
            }
            Write::Claim { seq, run, lane, input, output, fails } => {
                self.claim(seq, run, lane, input, output, fails)
            }
            Write::Cancel(seq) => {
                let running = self.store.get(&seq).map(|stored| stored.state);
                if matches!(running, Some(JobState::Queued | JobState::Processing)) {
                    self.end(seq, JobState::Cancelled, EndKind::Cancelled);
                    if running == Some(JobState::Processing) {
                        let run = self.store[&seq].job.run;
                        if let Some(call) = self.calls.get_mut(&(seq, run)) {
                            call.cancelled = true;
                            self.after(1, Happening::CallEnd { seq, run });
                        }
                    }
                }
            }
            Write::Expire(seq) => {
                if self.store[&seq].state == JobState::Queued {
                    self.end(seq, JobState::Expired, EndKind::Expired);
                }
            }
            Write::Settle { seq, run, verdict, completed } => self.settle(seq, run, verdict, completed),
        }
    }

    fn claim(&mut self, seq: i64, run: u32, lane: LaneName, input: u32, output: u32, fails: bool) {
        let stored = self.store.get_mut(&seq).unwrap();
        if fails {
            self.core.claim_failed(JobSeq(seq), false, self.now);
            return;
        }
        if stored.state != JobState::Queued || stored.job.run != run {
            self.core.claim_failed(JobSeq(seq), true, self.now);
            return;
        }
        stored.state = JobState::Processing;
        stored.job.run += 1;
        stored.job.retry_at = None;
        let job = stored.job.clone();
        let attempts = stored.attempts;
        let index = self.lanes.iter().position(|spec| spec.name == lane).unwrap();
        let call =
            Call { lane: index, user: job.user, input, output, sent: None, reached: false, cancelled: false };
        self.calls.insert((seq, job.run), call);
        self.tell(Change::Claimed(Box::new(claimed(&job, attempts, lane, self.now))));
        let at = self.rng.random_range(0..20);
        self.after(at, Happening::Send { seq, run: job.run });
    }

    fn send(&mut self, seq: i64, run: u32) {
        let Some(call) = self.calls.get_mut(&(seq, run)).filter(|call| !call.cancelled) else { return };
        call.sent = Some(self.now);
        self.core.call_sent(JobSeq(seq), run, self.now);
        let at = self.rng.random_range(0..200);
        self.after(at, Happening::Reach { seq, run });
    }

    /// The request reaches the upstream, which counts it and its input.
    fn reach(&mut self, seq: i64, run: u32) {
        let Some(call) = self.calls.get_mut(&(seq, run)).filter(|call| !call.cancelled) else { return };
        call.reached = true;
        let (lane, user, input) = (call.lane, call.user, call.input);
        self.told.calls += 1;
        assert!(self.meters[lane].request(self.now), "more requests in a minute than lane {lane} allows");
        assert!(
            self.meters[lane].tokens(input.into(), self.now),
            "more tokens in a minute than lane {lane} allows"
        );
        let open = self.open.entry(user).or_default();
        *open += 1;
        let cap = self.tiers.of(Tier::ALL[(user.0 % 4) as usize]).max_concurrent;
        assert!(*open <= cap, "user {user:?} has {open} calls open; its cap is {cap}");
        let took = self.rng.random_range(200..15_000);
        self.after(took, Happening::CallEnd { seq, run });
    }

    fn call_end(&mut self, seq: i64, run: u32) {
        let Some(call) = self.calls.remove(&(seq, run)) else { return };
        if call.reached {
            *self.open.get_mut(&call.user).unwrap() -= 1;
        }
        let (end, usage) = self.how(&call);
        if call.reached {
            assert!(
                self.meters[call.lane].tokens(usage.output, self.now),
                "more tokens in a minute than allowed"
            );
        }
        if let Some(sent) = call.sent {
            self.past.push(Past { lane: self.lanes[call.lane].name.clone(), usage, sent, ended: self.now });
        }
        let completed = end == CallEnd::Answered;
        let report = CallReport { seq: JobSeq(seq), run, end, usage, sent: call.sent.is_some() };
        let verdict = self.core.call_ended(&report, self.now);
        self.write(Write::Settle { seq, run, verdict, completed });
    }

    fn how(&mut self, call: &Call) -> (CallEnd, TokenUsage) {
        let input = TokenUsage { input: call.input.into(), ..TokenUsage::default() };
        if call.cancelled || !call.reached {
            return (CallEnd::Abandoned, if call.reached { input } else { TokenUsage::default() });
        }
        let failed = |unreachable| CallEnd::Failed {
            failure: Failure {
                code: FailureCode::UpstreamUnavailable,
                message: "down".into(),
                retryable: true,
            },
            retry_after: None,
            unreachable,
        };
        if (self.outage.0..self.outage.1).contains(&self.now.0) {
            return (failed(true), input);
        }
        if self.rng.random_bool(self.fault_rate) {
            let end = match self.rng.random_range(0..4) {
                0 => {
                    CallEnd::Limited { retry_after: Some(Duration::from_secs(self.rng.random_range(1..20))) }
                }
                1 => CallEnd::LanePaused {
                    reason: "401".into(),
                    until: Some(self.now.after(Duration::from_secs(30))),
                },
                2 => CallEnd::Rejected(Failure {
                    code: FailureCode::UpstreamRejected,
                    message: "no".into(),
                    retryable: false,
                }),
                _ => failed(false),
            };
            return (end, input);
        }
        let output = u64::from(self.rng.random_range(1..=call.output));
        (CallEnd::Answered, TokenUsage { output, ..input })
    }

    fn settle(&mut self, seq: i64, run: u32, verdict: Verdict, completed: bool) {
        let stored = self.store.get_mut(&seq).unwrap();
        if stored.state != JobState::Processing || stored.job.run != run {
            return;
        }
        match verdict {
            Verdict::Finish if completed => self.end(seq, JobState::Completed, failed_kind()),
            Verdict::Finish | Verdict::GiveUp(_) => self.end(seq, JobState::Failed, failed_kind()),
            Verdict::Retry { at, strike, failed, reason } => {
                stored.state = JobState::Queued;
                stored.job.retry_at = at;
                stored.job.strikes += u32::from(strike);
                stored.attempts += u32::from(failed);
                let (job, attempts) = (stored.job.clone(), stored.attempts);
                self.tell(Change::Requeued { job, attempts, reason, failed });
            }
        }
    }

    fn end(&mut self, seq: i64, state: JobState, how: EndKind) {
        let stored = self.store.get_mut(&seq).unwrap();
        let was_running = stored.state == JobState::Processing;
        stored.state = state;
        stored.terminal_states += 1;
        self.told.ended += 1;
        let job = &stored.job;
        let ended = Ended {
            seq: job.seq,
            id: job.id,
            user: job.user,
            created_at: job.created_at,
            ended_at: self.now,
            was_running,
            how,
        };
        self.tell(Change::Ended(ended));
    }

    /// Everything in memory goes; what was committed is read back, as a start does.
    fn crash(&mut self) {
        self.told.crashes += 1;
        self.woken_for = None;
        // Writes under way are lost; upstreams see their connections close.
        for happening in &mut self.happenings {
            let lost =
                matches!(happening, Some(Happening::Commit(write)) if !matches!(write, Write::Cancel(_)));
            let gone = matches!(
                happening,
                Some(
                    Happening::Send { .. }
                        | Happening::Reach { .. }
                        | Happening::CallEnd { .. }
                        | Happening::Wake
                )
            );
            if lost || gone {
                *happening = None;
            }
        }
        self.commits_at = self.now.0;
        self.open.clear();
        self.probed.clear();
        self.core = core(&self.lanes, &self.tiers, self.rng.random());
        for ((_, _), call) in std::mem::take(&mut self.calls) {
            let usage =
                TokenUsage { input: call.input.into(), output: call.output.into(), ..TokenUsage::default() };
            self.past.push(Past {
                lane: self.lanes[call.lane].name.clone(),
                usage,
                sent: self.now,
                ended: self.now,
            });
        }
        let mut waiting: Vec<QueuedJob> = Vec::new();
        for stored in self.store.values_mut().filter(|stored| !stored.state.is_terminal()) {
            stored.state = JobState::Queued;
            waiting.push(stored.job.clone());
        }
        waiting.sort_by_key(|job| job.seq);
        for past in &self.past {
            self.core.restore_charge(&past.lane, &past.usage, past.sent, past.ended);
        }
        waiting.into_iter().for_each(|job| self.tell(Change::Queued(job)));
    }

    fn tell(&mut self, change: Change) {
        self.core.committed(&change, self.now);
    }

    fn check_place(&self, seq: i64) {
        if let Some(place) = self.core.place(JobSeq(seq), self.now) {
            assert!(
                (1..=self.core.waiting()).contains(&place.position),
                "place {place:?} of {}",
                self.core.waiting()
            );
        }
    }
}

fn lane(index: usize, rng: &mut StdRng) -> LaneSpec {
    LaneSpec {
        name: LaneName::from(format!("lane-{index}").as_str()),
        model: format!("model-{index}"),
        max_concurrent: rng.random_range(1..10),
        requests_per_minute: rng.random_range(5..60),
        tokens_per_minute: if rng.random_bool(0.5) { rng.random_range(7000..100_000) } else { 0 },
        input_tokens_per_minute: 0,
        output_tokens_per_minute: 0,
        network_margin: MARGIN,
    }
}

fn core(lanes: &[LaneSpec], tiers: &Tiers, seed: u64) -> Core {
    let retry = RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: Duration::from_secs(300) };
    let mut rng = StdRng::seed_from_u64(seed);
    Core::new(lanes.to_vec(), tiers.clone(), retry, move || rng.random())
}

fn failed_kind() -> EndKind {
    // The core does not look at how a job ended, only that it did.
    EndKind::Failed(Failure { code: FailureCode::Internal, message: String::new(), retryable: false })
}

fn claimed(job: &QueuedJob, attempts: u32, lane: LaneName, now: Timestamp) -> Claimed {
    Claimed {
        seq: job.seq,
        id: job.id,
        user: job.user,
        tier: job.tier,
        run: job.run,
        attempts,
        lane,
        model: String::new(),
        diagram_type: DiagramType::Mermaid,
        max_tokens: job.max_tokens,
        deadline_at: job.deadline_at,
        brief: Brief::default(),
        claimed_at: now,
    }
}
