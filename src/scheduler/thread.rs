//! The core's clock and channels: one thread that decides, and a handle for everybody else.
//!
//! The core stands behind one short mutex. The handle's methods hold it for microseconds; the
//! thread holds it for one step and carries the decisions out after letting go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::domain::lane::{CallReport, LaneName, LaneSpec, LimitsSeen, Verdict};
use crate::domain::limits::{Overview, Place};
use crate::domain::tier::Tiers;
use crate::domain::time::Clock;
use crate::domain::{Change, Failure, JobId, JobSeq, QueuedJob, Timestamp};
use crate::queue::{ClaimRequest, Scheduling};

use super::core::{Action, Core};
use super::watch::Watch;

/// The thread looks at least this often, so that `/readyz` can tell that it lives.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Carries decisions out. No call may block.
pub trait Claims: Send + Sync {
    /// Claim a waiting job.
    fn claim(&self, request: ClaimRequest);
    /// End a waiting job whose deadline has passed.
    fn expire(&self, seq: JobSeq);
    /// End a waiting job that can never run.
    fn fail(&self, seq: JobSeq, failure: Failure);
}

impl Claims for crate::queue::Queue {
    fn claim(&self, request: ClaimRequest) {
        Self::claim(self, request);
    }

    fn expire(&self, seq: JobSeq) {
        Self::expire(self, seq);
    }

    fn fail(&self, seq: JobSeq, failure: Failure) {
        Self::fail(self, seq, failure);
    }
}

/// A running scheduler.
pub struct Scheduler {
    core: Mutex<Core>,
    /// Locked only by who holds the core.
    watch: Mutex<Watch>,
    wake: Condvar,
    clock: Clock,
    stopping: AtomicBool,
    ticked_at: AtomicI64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Scheduler {
    /// A scheduler over a core; nothing is decided before [`Scheduler::begin`].
    pub fn new(core: Core, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            core: Mutex::new(core),
            watch: Mutex::default(),
            wake: Condvar::new(),
            clock,
            stopping: AtomicBool::new(false),
            ticked_at: AtomicI64::new(0),
            thread: Mutex::new(None),
        })
    }

    /// Works on the core before the start: the backlog and the charges of earlier calls.
    pub fn prepare(&self, work: impl FnOnce(&mut Core, Timestamp)) {
        let mut core = self.core.lock();
        let now = self.now(&mut core);
        work(&mut core, now);
    }

    /// Takes over a backlog that `read` hands over job by job, and returns what `read` does.
    /// A million jobs must not wait for a lock a million times.
    pub fn load<T>(&self, read: impl FnOnce(&mut dyn FnMut(QueuedJob)) -> T) -> T {
        let mut core = self.core.lock();
        let now = self.now(&mut core);
        read(&mut |job| core.committed(&Change::Queued(job), now))
    }

    /// Starts deciding.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn begin(self: &Arc<Self>, claims: Arc<dyn Claims>) -> std::io::Result<()> {
        let scheduler = Arc::clone(self);
        let thread = std::thread::Builder::new()
            .name("scheduler".into())
            .spawn(move || scheduler.decide_until_stopped(claims.as_ref()))?;
        *self.thread.lock() = Some(thread);
        Ok(())
    }

    /// Stops deciding; what was decided stands.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake.notify_all();
        let thread = self.thread.lock().take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the scheduler's thread panicked");
        }
    }

    /// When the thread last looked.
    pub fn ticked_at(&self) -> Timestamp {
        Timestamp(self.ticked_at.load(Ordering::Acquire))
    }

    /// New limits of the same upstreams and of the tiers, in one step: no decision is made with
    /// some old and some new.
    pub fn set_limits(&self, specs: Vec<LaneSpec>, tiers: &Tiers) {
        self.with_core(|core, _| {
            core.set_lanes(specs);
            core.reconfigure(tiers);
        });
    }

    fn decide_until_stopped(&self, claims: &dyn Claims) {
        let mut actions = Vec::new();
        let mut core = self.core.lock();
        while !self.stopping.load(Ordering::Acquire) {
            let now = self.now(&mut core);
            self.ticked_at.store(now.0, Ordering::Release);
            let wake = core.step(now, &mut actions);
            if !actions.is_empty() {
                parking_lot::MutexGuard::unlocked(&mut core, || {
                    actions.drain(..).for_each(|action| carry_out(claims, action, now));
                });
                continue;
            }
            let pause = wake.map_or(LOOK_EVERY, |at| at.since(now).min(LOOK_EVERY));
            // A wake-up time in the past would spin: a millisecond is the clock's own grain.
            self.wake.wait_for(&mut core, pause.max(Duration::from_millis(1)));
        }
    }

    /// The time, told to the core first when the clock was set forward.
    fn now(&self, core: &mut Core) -> Timestamp {
        let before = Instant::now();
        let now = (self.clock)();
        if let Some(by) = self.watch.lock().read(before, now, Instant::now()) {
            tracing::warn!(
                seconds = by.as_secs_f64(),
                "the system's clock was set forward; limits a minute are kept all the same"
            );
            core.clock_set_forward(by, now);
        }
        now
    }

    fn with_core<T>(&self, work: impl FnOnce(&mut Core, Timestamp) -> T) -> T {
        let mut core = self.core.lock();
        // Read with the lock held, so that the core hears of times in their order.
        let now = self.now(&mut core);
        let outcome = work(&mut core, now);
        drop(core);
        self.wake.notify_one();
        outcome
    }
}

fn carry_out(claims: &dyn Claims, action: Action, now: Timestamp) {
    match action {
        Action::Claim { seq, run, lane, model, estimated_input, estimated_output } => {
            claims.claim(ClaimRequest { seq, run, lane, model, estimated_input, estimated_output, at: now });
        }
        Action::Expire(seq) => claims.expire(seq),
        Action::Fail(seq, failure) => claims.fail(seq, failure),
    }
}

impl Scheduling for Scheduler {
    fn committed(&self, changes: &[Change]) {
        self.with_core(|core, now| changes.iter().for_each(|change| core.committed(change, now)));
    }

    fn claim_failed(&self, seq: JobSeq, gone: bool) {
        self.with_core(|core, now| core.claim_failed(seq, gone, now));
    }

    fn call_sent(&self, seq: JobSeq, run: u32) {
        let mut core = self.core.lock();
        let now = self.now(&mut core);
        core.call_sent(seq, run, now);
    }

    fn limits_seen(&self, lane: &LaneName, seen: &LimitsSeen) {
        self.with_core(|core, now| core.limits_seen(lane, seen, now));
    }

    fn call_ended(&self, report: &CallReport) -> Verdict {
        self.with_core(|core, now| core.call_ended(report, now))
    }

    fn place(&self, seq: JobSeq) -> Option<Place> {
        let now = (self.clock)();
        self.core.lock().place(seq, now)
    }

    fn front(&self, count: usize) -> Vec<(JobId, Place)> {
        let now = (self.clock)();
        self.core.lock().front(count, now)
    }

    fn overview(&self) -> Overview {
        let mut core = self.core.lock();
        let now = self.now(&mut core);
        core.overview(now)
    }

    fn resume_lanes(&self) {
        self.with_core(|core, now| core.resume_lanes(now));
    }

    fn revision(&self) -> u64 {
        self.core.lock().revision()
    }
}
