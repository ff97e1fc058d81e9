//! The scheduler's pure core: no clock, no IO, no threads; `now` and randomness are passed in.
//!
//! It keeps every waiting job in fair order, every user's cap, every lane's budgets and state.
//! [`Core::step`] decides; the other methods tell it what happened. The thread runs it on the
//! real clock, the simulation on a virtual one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use crate::domain::lane::{LaneName, LaneSpec, LimitsSeen, RetryPolicy};
use crate::domain::tier::Tiers;
use crate::domain::{Failure, JobSeq, QueuedJob, Tier, Timestamp, TokenUsage, UserId};

mod back_offs;
pub mod budget;
mod changes;
mod clock;
mod ends;
mod eta;
mod health;
mod jobs;
pub mod lane;
mod overview;
mod places;
mod pool;
mod ranked;
mod retry;
mod rotation;
mod seen;
mod shares;
mod step;
pub mod throttle;

use back_offs::BackOffs;
use jobs::{Jobs, Waiting};
use lane::{Hold, Lane};
use pool::Pool;
use shares::Shares;

pub use overview::Held;

/// A decision to carry out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Claim this job for a call.
    Claim {
        /// The job.
        seq: JobSeq,
        /// Its completed runs.
        run: u32,
        /// The upstream.
        lane: LaneName,
        /// The model to ask.
        model: String,
        /// Input tokens held.
        estimated_input: u32,
        /// Output tokens held.
        estimated_output: u32,
    },
    /// End this waiting job: its deadline has passed.
    Expire(JobSeq),
    /// End this waiting job: it can never run.
    Fail(JobSeq, Failure),
}

/// A job that was decided to go; it stays until both its job and its call are over.
#[derive(Clone, Debug)]
struct Run {
    job: Waiting,
    lane: usize,
    hold: Hold,
    run: u32,
    sent_at: Option<Timestamp>,
    /// The claim is committed.
    confirmed: bool,
    /// The job has ended or gone back, as far as this run is concerned.
    job_over: bool,
    /// The call has been settled.
    call_over: bool,
    /// The call failed while every lane of the job's pool was shut: the job steps aside.
    steps_aside: bool,
    /// As it waits again, once the call is over too.
    requeued: Option<Box<QueuedJob>>,
}

/// A user with jobs.
#[derive(Clone, Copy, Debug)]
struct User {
    tier: Tier,
    running: u32,
    /// Jobs waiting, in back-off or running; the user is forgotten at 0.
    jobs: u32,
}

/// The core.
pub struct Core {
    tiers: Tiers,
    retry: RetryPolicy,
    lanes: Vec<Lane>,
    pools: Vec<Pool>,
    pool_of_model: HashMap<Option<Arc<str>>, u8>,
    models: Vec<Option<Arc<str>>>,
    shares: Shares,
    /// Turn of the pool that went last, by tier.
    turns: [u64; 4],
    jobs: Jobs,
    runs: HashMap<JobSeq, Run>,
    users: HashMap<UserId, User>,
    back_offs: BackOffs,
    deadlines: BTreeSet<(Timestamp, JobSeq)>,
    running_by_tier: [u32; 4],
    paused: bool,
    /// The backlog is not known in full: what would go first is not known either.
    loading: bool,
    /// No claims before this instant: the store had trouble.
    hold_until: Timestamp,
    revision: u64,
    swept_at: Timestamp,
    /// The latest time that was told.
    latest: Timestamp,
    pace: eta::Pace,
    random: Box<dyn FnMut() -> f64 + Send>,
}

impl Core {
    /// A core without jobs. `random` returns numbers in `0.0..1.0`.
    pub fn new(
        lanes: Vec<LaneSpec>,
        tiers: Tiers,
        retry: RetryPolicy,
        random: impl FnMut() -> f64 + Send + 'static,
    ) -> Self {
        Self {
            shares: Shares::new(&tiers),
            tiers,
            retry,
            lanes: lanes.into_iter().map(Lane::new).collect(),
            pools: Vec::new(),
            turns: [0; 4],
            pool_of_model: HashMap::new(),
            models: vec![None],
            jobs: Jobs::new(),
            runs: HashMap::new(),
            users: HashMap::new(),
            back_offs: BackOffs::default(),
            deadlines: BTreeSet::new(),
            running_by_tier: [0; 4],
            paused: false,
            loading: false,
            hold_until: Timestamp(0),
            revision: 0,
            swept_at: Timestamp(0),
            latest: Timestamp(0),
            pace: eta::Pace::default(),
            random: Box::new(random),
        }
    }

    /// Counts a call of before the start that may still count upstream.
    pub fn restore_charge(&mut self, lane: &LaneName, usage: &TokenUsage, sent: Timestamp, ended: Timestamp) {
        if let Some(lane) = self.lane_mut(lane) {
            lane.restore(usage, sent, ended);
        }
    }

    /// From now on the backlog is being handed over, or has been: nothing is claimed meanwhile.
    pub fn set_loading(&mut self, loading: bool) {
        self.loading = loading;
    }

    /// New tier limits and weights.
    pub fn reconfigure(&mut self, tiers: &Tiers) {
        self.tiers = tiers.clone();
        self.shares.set_weights(tiers);
        let users: Vec<UserId> = self.users.keys().copied().collect();
        users.into_iter().for_each(|user| self.refresh_user(user));
        self.revision += 1;
    }

    /// New limits of the same upstreams; names that are not there are left out.
    pub fn set_lanes(&mut self, specs: Vec<LaneSpec>) {
        for spec in specs {
            if let Some(lane) = self.lane_mut(&spec.name.clone()) {
                lane.respec(spec);
            }
        }
    }

    /// The upstream told its limits.
    pub fn limits_seen(&mut self, lane: &LaneName, seen: &LimitsSeen, now: Timestamp) {
        self.notice(now);
        if let Some(lane) = self.lane_mut(lane) {
            lane.see(seen, now);
        }
    }

    /// The operator resumes: paused lanes are tried again.
    pub fn resume_lanes(&mut self, now: Timestamp) {
        self.notice(now);
        self.lanes.iter_mut().for_each(|lane| lane.health.resume(now));
        self.revision += 1;
    }

    /// A number that moves with every change of order.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether nothing runs and nothing is reserved.
    pub fn is_at_rest(&self) -> bool {
        self.runs.is_empty() && self.lanes.iter().all(Lane::is_at_rest)
    }

    /// Jobs waiting, back-offs included.
    pub fn waiting(&self) -> u64 {
        self.jobs.len()
    }

    fn lane_mut(&mut self, name: &LaneName) -> Option<&mut Lane> {
        self.lanes.iter_mut().find(|lane| lane.spec.name == *name)
    }

    /// Whether the user is below its cap.
    fn may_run(&self, user: UserId) -> bool {
        self.users.get(&user).is_some_and(|known| known.running < self.tiers.of(known.tier).max_concurrent)
    }

    /// Puts the user's heads into the ready sets, or takes them out.
    fn refresh_user(&mut self, user: UserId) {
        let may_run = self.may_run(user);
        for pool in &mut self.pools {
            pool.tiers.iter_mut().for_each(|tier| tier.refresh(user, &mut self.jobs, may_run));
        }
    }

    /// The pool of jobs that ask for `model`, made on first sight: the lanes that serve that
    /// model, or every lane when none does.
    fn pool_for(&mut self, model: &Option<Arc<str>>) -> u8 {
        if let Some(pool) = self.pool_of_model.get(model) {
            return *pool;
        }
        let serves = |lane: &Lane| model.as_deref().is_none_or(|model| lane.spec.model == model);
        let mut lanes: Vec<usize> =
            (0..self.lanes.len()).filter(|index| serves(&self.lanes[*index])).collect();
        if lanes.is_empty() {
            lanes = (0..self.lanes.len()).collect();
        }
        let same = self.pools.iter().position(|pool| pool.lanes == lanes);
        let index = same.unwrap_or_else(|| {
            self.pools.push(Pool::new(lanes));
            self.pools.len() - 1
        });
        let index = u8::try_from(index).unwrap_or(0);
        self.pool_of_model.insert(model.clone(), index);
        index
    }

    fn model_index(&mut self, model: &Option<Arc<str>>) -> u16 {
        let known = self.models.iter().position(|known| known == model);
        let index = known.unwrap_or_else(|| {
            self.models.push(model.clone());
            self.models.len() - 1
        });
        u16::try_from(index).unwrap_or(0)
    }
}
