//! The invariants of `ARCHITECTURE.md`, checked from outside with books of their own.
//!
//! 1, 2, 3: the core claims only what is committed and waits, states move by the one legal table,
//! and nothing is sent whose claim is not on disk. 4: a ledger of every charge alive, beside the
//! upstream's own meters. 5: no rule of the order needs the store; the store here cannot even be
//! asked. 6: what the core holds is exactly what lives on disk. 7: a seed comes to the same run
//! twice. And of a lane that is down: one probe at a time, 5 s apart, in fair turns.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

use diagramd::domain::lane::{LaneName, LaneState, LaneStatus, Verdict};
use diagramd::domain::{JobSeq, JobState, Timestamp, TokenUsage, UserId};
use diagramd::scheduler::core::Action;

use crate::plan::MARGIN;
use crate::store::Stored;
use crate::world::{MAX_ATTEMPTS, World};

const PROBE_EVERY_MS: i64 = 5000;
/// A job that is called to probe may have to wait for a minute's budget; who came since then
/// was not passed over.
const CALLED_MS: i64 = 70_000;
const UNRESOLVED: i64 = i64::MAX;

/// What a claim takes, and until when each part of it counts.
struct Charge {
    lane: usize,
    input: u64,
    output: u64,
    request_until: i64,
    input_until: i64,
    output_until: i64,
}

/// The books.
pub struct Checks {
    charges: BTreeMap<(i64, u32), Charge>,
    lanes: Vec<LaneStatus>,
    probed_at: Vec<Option<i64>>,
    probing: Vec<Option<(i64, u32)>>,
    /// Lanes and the jobs that have had their turn at probing them.
    turns: BTreeSet<(usize, i64)>,
}

impl Checks {
    pub fn new(lanes: usize) -> Self {
        Self {
            charges: BTreeMap::new(),
            lanes: Vec::new(),
            probed_at: vec![None; lanes],
            probing: vec![None; lanes],
            turns: BTreeSet::new(),
        }
    }

    pub fn charge(&mut self, seq: i64, run: u32, lane: usize, input: u32, output: u32) {
        let charge = Charge {
            lane,
            input: input.into(),
            output: output.into(),
            request_until: UNRESOLVED,
            input_until: UNRESOLVED,
            output_until: UNRESOLVED,
        };
        self.charges.insert((seq, run), charge);
    }

    pub fn sent(&mut self, seq: i64, run: u32, now: Timestamp) {
        if let Some(charge) = self.charges.get_mut(&(seq, run)) {
            charge.request_until = expiry(now);
        }
    }

    pub fn ended(&mut self, seq: i64, run: u32, usage: &TokenUsage, now: Timestamp) {
        let Some(charge) = self.charges.get_mut(&(seq, run)) else { return };
        if charge.request_until == UNRESOLVED {
            self.charges.remove(&(seq, run));
            return;
        }
        charge.input = usage.input;
        charge.output = usage.output;
        charge.input_until = charge.request_until;
        charge.output_until = expiry(now);
    }

    /// A lane answered: all turns are over.
    pub fn answered(&mut self, lane: usize) {
        self.turns.retain(|(probed, _)| *probed != lane);
    }

    /// The claim was not committed.
    pub fn forget(&mut self, seq: i64, run: u32) {
        self.turns.retain(|(_, job)| *job != seq);
        self.charges.remove(&(seq, run));
    }

    /// Calls that a crash cut count from the start on; probes and turns are forgotten.
    pub fn crashed(&mut self, now: Timestamp) {
        for charge in self.charges.values_mut().filter(|charge| charge.output_until == UNRESOLVED) {
            charge.request_until = charge.request_until.min(expiry(now));
            charge.input_until = expiry(now);
            charge.output_until = expiry(now);
        }
        self.probed_at.fill(None);
        self.probing.fill(None);
        self.turns.clear();
    }
}

impl World {
    /// Notes the lanes' states before a decision.
    pub fn look_at_lanes(&mut self) {
        let clock = self.clock();
        self.checks.lanes = self.core.overview(clock).upstreams;
        if self.checks.lanes.iter().any(|lane| lane.state == LaneState::Open) {
            self.checks.turns.clear();
        }
    }

    pub fn lane_index(&self, name: &LaneName) -> usize {
        self.plan.lanes.iter().position(|lane| lane.name == *name).unwrap()
    }

    pub fn note_decision(&mut self, action: &Action) {
        self.trace(|world| {
            let lanes = world.checks.lanes.iter();
            format!(
                "{action:?}; lanes {:?}",
                lanes.map(|lane| (lane.state, lane.in_flight)).collect::<Vec<_>>()
            )
        });
        let mut hasher = DefaultHasher::new();
        (self.told.digest, self.now, format!("{action:?}")).hash(&mut hasher);
        self.told.digest = hasher.finish();
    }

    /// A job is decided to go on a lane.
    pub fn check_claim(&mut self, seq: i64, run: u32, lane: &LaneName) {
        let stored = &self.store[&seq];
        assert_eq!(stored.state, JobState::Queued, "job {seq} was claimed and does not wait");
        assert_eq!(stored.job.run, run, "job {seq} was claimed for another run");
        let claimed = self.checks.charges.get(&(seq, run + 1));
        assert!(claimed.is_none(), "job {seq} was claimed twice for one run");
        let (user, going) = (stored.job.user, self.going(stored.job.user));
        assert!(
            going <= self.cap(user),
            "user {user:?} has {going} jobs going; its cap is {}",
            self.cap(user)
        );
        let index = self.lane_index(lane);
        let state = self.checks.lanes[index].state;
        assert!(
            matches!(state, LaneState::Open | LaneState::Probing),
            "job {seq} was sent to {lane}, which is {state:?}"
        );
        if state == LaneState::Probing {
            self.check_probe(seq, run, index);
        }
    }

    fn check_probe(&mut self, seq: i64, run: u32, lane: usize) {
        self.told.probes += 1;
        let since = self.checks.probed_at[lane].replace(self.now.0).map(|at| self.now.0 - at);
        assert!(
            since.is_none_or(|ms| ms >= PROBE_EVERY_MS),
            "lane {lane} was probed again after {since:?} ms"
        );
        let before = self.checks.probing[lane].replace((seq, run + 1));
        // A claim whose job ended before it was written comes to no call.
        let under_way = before.and_then(|call| self.calls.get(&call)).is_some_and(|call| call.lane == lane);
        assert!(!under_way, "lane {lane} is probed by two calls at once");
        if self.checks.lanes.iter().any(|lane| lane.state == LaneState::Open) {
            return;
        }
        if self.checks.turns.contains(&(lane, seq)) {
            let passed = self.store.values().find(|stored| self.could_have_probed(stored));
            let passed = passed.map(|stored| &stored.job);
            assert!(passed.is_none(), "job {seq} probes again before this one had its turn: {passed:?}");
        }
        self.checks.turns.insert((lane, seq));
    }

    /// Whether a job that was never tried waits for long enough to be the next probe.
    fn could_have_probed(&self, stored: &Stored) -> bool {
        let (job, clock) = (&stored.job, self.clock());
        let since = job.retry_at.unwrap_or(job.created_at).max(job.created_at);
        stored.state == JobState::Queued
            && since.0 + CALLED_MS <= clock.0
            && job.deadline_at.is_none_or(|at| at > clock)
            && job.run == 0
            && !self.core.is_running(job.seq)
            && self.going(job.user) < self.cap(job.user)
    }

    /// Jobs of a user that the core has let go and that are not over.
    fn going(&self, user: UserId) -> u32 {
        let jobs = self.store.values().filter(|stored| stored.job.user == user);
        jobs.filter(|stored| self.core.is_running(stored.job.seq)).count() as u32
    }

    pub fn check_send(&self, seq: i64, run: u32) {
        let stored = self.store.get(&seq).expect("a call of no job");
        assert!(
            stored.job.run == run && stored.state == JobState::Processing,
            "run {run} of job {seq} is sent; on disk it is {:?} with {} runs",
            stored.state,
            stored.job.run
        );
    }

    /// A call on a lane that was down costs no attempt; a healthy job is never given up when
    /// nothing but the outage is wrong.
    pub fn check_verdict(&self, seq: i64, verdict: &Verdict) {
        let strikes = self.store[&seq].job.strikes;
        if let Verdict::GiveUp(_) = verdict {
            assert_eq!(strikes + 1, MAX_ATTEMPTS, "job {seq} was given up early");
            assert!(self.may_be_given_up(seq), "healthy job {seq} was given up");
        } else {
            assert!(strikes < MAX_ATTEMPTS, "job {seq} is tried without end");
        }
    }

    /// A lane of few calls a minute may send one job again and again before two others fail on
    /// it too, unless connections fail: those are nobody's fault.
    fn may_be_given_up(&self, seq: i64) -> bool {
        let slow = self.plan.lanes.iter().any(|lane| lane.requests_per_minute < 60);
        let has_outage = self.plan.outage.1 > self.plan.outage.0;
        self.is_poisoned(seq) || self.plan.fault_rate > 0.0 || (has_outage && slow && !self.plan.unreachable)
    }

    /// What must hold whenever something has happened.
    pub fn check_now(&mut self, whole: bool) {
        self.check_ledger();
        for (lane, spec) in self.checks.lanes.iter().zip(&self.plan.lanes) {
            assert!(
                lane.in_flight <= spec.max_concurrent,
                "{} calls at once on {}",
                lane.in_flight,
                lane.name
            );
        }
        if whole {
            self.check_against_store();
        }
    }

    fn check_ledger(&mut self) {
        let now = self.now.0;
        self.checks.charges.retain(|_, charge| charge.output_until.max(charge.input_until) >= now);
        let mut sums: HashMap<usize, (u64, u64)> = HashMap::new();
        for charge in self.checks.charges.values() {
            let sum = sums.entry(charge.lane).or_default();
            let alive = |until: i64, amount: u64| if until >= now { amount } else { 0 };
            sum.0 += alive(charge.request_until, 1);
            sum.1 += alive(charge.input_until, charge.input) + alive(charge.output_until, charge.output);
        }
        for (lane, (requests, tokens)) in sums {
            let spec = &self.plan.lanes[lane];
            let within = |used: u64, limit: u64| limit == 0 || used <= limit;
            assert!(within(requests, spec.requests_per_minute), "{requests} requests alive on lane {lane}");
            assert!(within(tokens, spec.tokens_per_minute), "{tokens} tokens alive on lane {lane}");
        }
    }

    /// Every job that lives on disk is known to the core, and no other.
    fn check_against_store(&self) {
        let mut waiting = 0;
        for (seq, stored) in self.store.iter().filter(|(_, stored)| !stored.state.is_terminal()) {
            let (waits, runs) = (self.core.waits(JobSeq(*seq)), self.core.is_running(JobSeq(*seq)));
            assert!(waits != runs, "job {seq}, {:?}, waits {waits}, runs {runs}", stored.state);
            assert!(runs || stored.state == JobState::Queued, "job {seq} runs and the core lets it wait");
            waiting += u64::from(waits);
        }
        assert_eq!(self.core.waiting(), waiting, "the core holds jobs that are over");
        let held = self.core.held();
        assert!(held.users as u64 <= waiting + held.runs as u64, "{held:?}");
        assert!(held.back_offs as u64 <= waiting, "{held:?}");
        assert!(held.runs <= self.checks.charges.len(), "{held:?}");
    }

    pub fn check_place(&self, seq: i64) {
        if let Some(place) = self.core.place(JobSeq(seq), self.clock()) {
            let waiting = self.core.waiting();
            assert!((1..=waiting).contains(&place.position), "place {place:?} of {waiting}");
        }
    }

    pub fn check_at_end(&self) {
        for (seq, stored) in &self.store {
            assert!(stored.state.is_terminal(), "job {seq} never ended: {:?}", stored.state);
            if self.is_poisoned(*seq) && stored.state == JobState::Failed && self.plan.fault_rate == 0.0 {
                assert_eq!(stored.job.strikes, MAX_ATTEMPTS, "poisoned job {seq} ended early");
            }
            if !self.may_be_given_up(*seq) {
                assert_ne!(stored.state, JobState::Failed, "healthy job {seq} failed");
            }
        }
        assert!(self.core.is_at_rest(), "something stays reserved at rest");
        let held = self.core.held();
        assert_eq!((self.core.waiting(), held.users, held.back_offs, held.runs), (0, 0, 0, 0));
    }
}

fn expiry(now: Timestamp) -> i64 {
    now.0 + 60_000 + MARGIN.as_millis() as i64
}
