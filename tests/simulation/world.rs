//! Users, a store, workers and upstreams around the real core, all on one virtual clock.
//!
//! This file is the event loop. [`store`](crate::store) is what is on disk and how it changes,
//! [`calls`](crate::calls) what reaches the upstreams, [`checks`](crate::checks) what must hold.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::time::Duration;

use diagramd::domain::lane::RetryPolicy;
use diagramd::domain::tier::Tiers;
use diagramd::domain::{Change, JobId, JobSeq, QueuedJob, Tier, Timestamp, UserId};
use diagramd::scheduler::core::{Action, Core};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::calls::{Call, Past};
use crate::checks::Checks;
use crate::plan::Plan;
use crate::store::{Stored, Write};
use crate::upstream::{Meter, Window};

const BEGIN: Timestamp = Timestamp(1_000_000_000);
pub const MAX_ATTEMPTS: u32 = 6;

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub calls: u64,
    pub crashes: u64,
    pub ended: u64,
    /// Calls made while their lane was down.
    pub probes: u64,
    /// Ms from the end of the outage to the first answer, and to the last end of a healthy job.
    pub first_answer: Option<i64>,
    pub healthy_done: i64,
    pub poisoned_failed: u64,
    /// Of every decision and its time: the same seed must come to the same.
    pub digest: u64,
}

#[derive(Clone, Debug)]
pub enum Happening {
    Arrive,
    Commit(Write),
    Send { seq: i64, run: u32 },
    Reach { seq: i64, run: u32 },
    CallEnd { seq: i64, run: u32 },
    Crash,
    SetBack,
    Wake,
}

pub struct World {
    pub rng: StdRng,
    pub plan: Plan,
    /// True time; the server's wall clock may be behind it.
    pub now: Timestamp,
    behind: Duration,
    pub core: Core,
    pub tiers: Tiers,
    pub meters: Vec<Meter>,
    events: BinaryHeap<Reverse<(i64, u64)>>,
    pub happenings: BTreeMap<u64, Happening>,
    order: u64,
    pub commits_at: i64,
    pub store: BTreeMap<i64, Stored>,
    pub calls: BTreeMap<(i64, u32), Call>,
    pub past: Vec<Past>,
    next_seq: i64,
    pub told: Told,
    pub woken_for: Option<Timestamp>,
    /// Calls open at the upstreams, by user.
    pub open: HashMap<UserId, u32>,
    pub checks: Checks,
    /// Whether decisions and ends are printed, as when a seed is replayed.
    pub is_traced: bool,
}

impl World {
    /// The run that a seed stands for.
    pub fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let plan = Plan::draw(&mut rng);
        Self::planned(plan, rng)
    }

    pub fn planned(plan: Plan, mut rng: StdRng) -> Self {
        let tiers = Tiers::default();
        let meter = |lane: &diagramd::domain::lane::LaneSpec| {
            Meter::new(Window::Sliding, lane.requests_per_minute, lane.tokens_per_minute)
        };
        let mut world = Self {
            now: BEGIN,
            behind: Duration::ZERO,
            core: fresh_core(&plan, &tiers, rng.random()),
            tiers,
            meters: plan.lanes.iter().map(meter).collect(),
            events: BinaryHeap::new(),
            happenings: BTreeMap::new(),
            order: 0,
            commits_at: 0,
            store: BTreeMap::new(),
            calls: BTreeMap::new(),
            past: Vec::new(),
            next_seq: 1,
            told: Told::default(),
            woken_for: None,
            open: HashMap::new(),
            checks: Checks::new(plan.lanes.len()),
            is_traced: false,
            rng,
            plan,
        };
        let (arrivals, crashes) = (world.plan.arrivals.clone(), world.plan.crashes.clone());
        arrivals.into_iter().for_each(|at| world.after(at, Happening::Arrive));
        crashes.into_iter().for_each(|at| world.after(at, Happening::Crash));
        if let Some((at, _)) = world.plan.set_back {
            world.after(at, Happening::SetBack);
        }
        world
    }

    pub fn run(mut self) -> Told {
        let end = BEGIN.0 + self.plan.limit;
        let mut happened = 0;
        while let Some(Reverse((at, order))) = self.events.pop() {
            assert!(at < end, "something starves: {} jobs still wait", self.core.waiting());
            self.now = Timestamp(at);
            let Some(happening) = self.happenings.remove(&order) else { continue };
            self.happen(happening);
            self.think();
            happened += 1;
            self.check_now(happened % self.plan.compare_every == 0);
        }
        self.check_at_end();
        self.told
    }

    /// The server's wall clock.
    pub fn clock(&self) -> Timestamp {
        self.now.before(self.behind)
    }

    pub fn outage_end(&self) -> i64 {
        BEGIN.0 + self.plan.outage.1
    }

    pub fn is_outage(&self, lane: usize) -> bool {
        lane < self.plan.outage_lanes
            && (BEGIN.0 + self.plan.outage.0..self.outage_end()).contains(&self.now.0)
    }

    pub fn is_poisoned(&self, seq: i64) -> bool {
        seq <= self.plan.poisoned
    }

    pub fn cap(&self, user: UserId) -> u32 {
        self.tiers.of(tier_of(user)).max_concurrent
    }

    pub fn after(&mut self, ms: i64, happening: Happening) {
        self.order += 1;
        self.events.push(Reverse((self.now.0 + ms, self.order)));
        self.happenings.insert(self.order, happening);
    }

    pub fn tell(&mut self, change: Change) {
        self.core.committed(&change, self.clock());
    }

    pub fn trace(&self, line: impl FnOnce(&Self) -> String) {
        if self.is_traced {
            eprintln!("{:>8} ms: {}", self.now.0 - BEGIN.0, line(self));
        }
    }

    /// A core as a start makes it.
    pub fn restart_core(&mut self) {
        self.core = fresh_core(&self.plan, &self.tiers, self.rng.random());
    }

    fn think(&mut self) {
        let mut actions = Vec::new();
        loop {
            self.look_at_lanes();
            let wake = self.core.step(self.clock(), &mut actions);
            if actions.is_empty() {
                let wake = wake.map(|at| Timestamp(at.0.saturating_add(self.behind.as_millis() as i64)));
                if let Some(at) = wake.filter(|at| self.woken_for != Some(*at)) {
                    assert!(at > self.now, "a wake-up in the past spins");
                    self.woken_for = Some(at);
                    self.after(at.0 - self.now.0, Happening::Wake);
                }
                return;
            }
            for action in std::mem::take(&mut actions) {
                self.note_decision(&action);
                match action {
                    Action::Claim { seq, run, lane, estimated_input, estimated_output, .. } => {
                        self.check_claim(seq.0, run, &lane);
                        let lane = self.lane_index(&lane);
                        let (input, output) = (estimated_input, estimated_output);
                        self.checks.charge(seq.0, run + 1, lane, input, output);
                        let fails = self.rng.random_bool(self.plan.store_fault_rate);
                        self.write(Write::Claim { seq: seq.0, run, lane, input, output, fails });
                    }
                    Action::Expire(seq) => self.write(Write::Expire(seq.0)),
                    Action::Fail(..) => unreachable!("nothing here makes a job fail unasked"),
                }
            }
        }
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
            Happening::SetBack => {
                let (_, ms) = self.plan.set_back.unwrap();
                self.behind = Duration::from_millis(ms.unsigned_abs());
                self.woken_for = None;
            }
        }
    }

    fn arrive(&mut self) {
        let seq = self.next_seq;
        self.next_seq += 1;
        let user = UserId(self.rng.random_range(0..self.plan.users));
        let now = self.clock();
        let rng = &mut self.rng;
        let has_deadline = rng.random_bool(self.plan.deadline_rate);
        let deadline_at = has_deadline.then(|| now.after(Duration::from_secs(rng.random_range(1..120))));
        let job = QueuedJob {
            seq: JobSeq(seq),
            id: JobId((seq as u128).to_be_bytes()),
            user,
            tier: tier_of(user),
            estimated_input: rng.random_range(100..2000),
            max_tokens: rng.random_range(100..4000),
            model: None,
            run: 0,
            strikes: 0,
            created_at: now,
            retry_at: None,
            deadline_at,
        };
        self.write(Write::Submit(job));
        if self.rng.random_bool(self.plan.cancel_rate) {
            let at = self.rng.random_range(0..60_000);
            self.after(at, Happening::Commit(Write::Cancel(seq)));
        }
    }
}

fn tier_of(user: UserId) -> Tier {
    Tier::ALL[(user.0 % 4) as usize]
}

fn fresh_core(plan: &Plan, tiers: &Tiers, seed: u64) -> Core {
    let retry = RetryPolicy {
        max_attempts: MAX_ATTEMPTS,
        base: Duration::from_secs(1),
        cap: Duration::from_secs(300),
    };
    let mut rng = StdRng::seed_from_u64(seed);
    Core::new(plan.lanes.clone(), tiers.clone(), retry, move || rng.random())
}
