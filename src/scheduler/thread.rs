//! The core's clock and channels: one thread that decides, and a handle for everybody else.
//!
//! The core stands behind one short mutex. The handle's methods hold it for microseconds; the
//! thread holds it for one step and carries the decisions out after letting go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

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
/// A thread that has not looked for so long is stuck.
const TICK_AGE_MAX: Duration = Duration::from_secs(5);

/// Jobs of a backlog that are taken over at once: some milliseconds, for which the end of a call
/// can wait.
const CHUNK: usize = 1000;

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

    /// Works on the core before the start: the charges of earlier calls, and what was running.
    pub fn prepare(&self, work: impl FnOnce(&mut Core, Timestamp)) {
        let mut core = self.core.lock();
        let now = self.now(&mut core);
        work(&mut core, now);
    }

    /// Starts deciding. What [`Scheduler::prepare`] handed over goes at once, as far as there is
    /// room; then `read` hands the whole backlog over, job by job, and nothing goes until all is
    /// known. Blocks as long as `read` does; returns what it returns.
    ///
    /// # Errors
    /// When the system refuses a thread; `read` is then not called.
    pub fn begin<T>(
        self: &Arc<Self>,
        claims: &Arc<dyn Claims>,
        read: impl FnOnce(&mut dyn FnMut(QueuedJob)) -> T,
    ) -> std::io::Result<T> {
        let mut core = self.core.lock();
        let (scheduler, its_claims) = (Arc::clone(self), Arc::clone(claims));
        let thread = std::thread::Builder::new()
            .name("scheduler".into())
            .spawn(move || scheduler.decide_until_stopped(its_claims.as_ref()))?;
        *self.thread.lock() = Some(thread);
        self.decide(&mut core, claims.as_ref());
        core.set_loading(true);
        drop(core);

        let mut chunk = Vec::with_capacity(CHUNK);
        let outcome = read(&mut |job| {
            chunk.push(job);
            if chunk.len() == CHUNK {
                self.take_over(&mut chunk);
            }
        });
        self.take_over(&mut chunk);
        self.with_core(|core, _| core.set_loading(false));
        Ok(outcome)
    }

    fn take_over(&self, jobs: &mut Vec<QueuedJob>) {
        let mut core = self.core.lock();
        let now = self.now(&mut core);
        jobs.drain(..).for_each(|job| core.committed(&Change::Queued(job), now));
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

    /// Whether the thread has looked lately.
    pub fn is_ticking(&self) -> bool {
        is_recent(self.ticked_at(), (self.clock)())
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
        let mut core = self.core.lock();
        while !self.stopping.load(Ordering::Acquire) {
            let (now, wake) = self.decide(&mut core, claims);
            let pause = wake.map_or(LOOK_EVERY, |at| at.since(now).min(LOOK_EVERY));
            // A wake-up time in the past would spin: a millisecond is the clock's own grain.
            self.wake.wait_for(&mut core, pause.max(Duration::from_millis(1)));
        }
    }

    /// Decides and carries out until nothing more can be decided. Returns when it looked last,
    /// and when to look again if nothing happens before.
    fn decide(&self, core: &mut MutexGuard<'_, Core>, claims: &dyn Claims) -> (Timestamp, Option<Timestamp>) {
        let mut actions = Vec::new();
        loop {
            let now = self.now(core);
            self.ticked_at.store(now.0, Ordering::Release);
            let wake = core.step(now, &mut actions);
            if actions.is_empty() {
                return (now, wake);
            }
            MutexGuard::unlocked(core, || {
                actions.drain(..).for_each(|action| carry_out(claims, action, now));
            });
            if self.stopping.load(Ordering::Acquire) {
                return (now, Some(now));
            }
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

fn is_recent(tick: Timestamp, now: Timestamp) -> bool {
    now.since(tick) <= TICK_AGE_MAX
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::lane::RetryPolicy;
    use crate::domain::{Tier, UserId};

    /// Claims that were asked for, in order.
    #[derive(Default)]
    struct Asked(Mutex<Vec<JobSeq>>);

    impl Claims for Asked {
        fn claim(&self, request: ClaimRequest) {
            self.0.lock().push(request.seq);
        }

        fn expire(&self, seq: JobSeq) {
            panic!("{seq:?} has no deadline");
        }

        fn fail(&self, seq: JobSeq, failure: Failure) {
            panic!("{seq:?} cannot fail: {failure:?}");
        }
    }

    fn job(seq: i64, tier: Tier) -> QueuedJob {
        QueuedJob {
            seq: JobSeq(seq),
            id: JobId([0; 16]),
            user: UserId(seq),
            tier,
            estimated_input: 500,
            max_tokens: 1000,
            model: None,
            run: 0,
            strikes: 0,
            created_at: Timestamp(0),
            retry_at: None,
            deadline_at: None,
        }
    }

    #[test]
    fn what_ran_goes_first_and_the_backlog_only_when_all_of_it_is_known() {
        let lane = LaneSpec {
            name: LaneName::from("lane"),
            model: "m".into(),
            max_concurrent: 3,
            requests_per_minute: 0,
            tokens_per_minute: 0,
            input_tokens_per_minute: 0,
            output_tokens_per_minute: 0,
            network_margin: Duration::ZERO,
        };
        let retry = RetryPolicy { max_attempts: 6, base: Duration::from_secs(1), cap: LOOK_EVERY };
        let core = Core::new(vec![lane], Tiers::default(), retry, || 0.5);
        let scheduler = Scheduler::new(core, || Timestamp(1_000));
        scheduler.prepare(|core, now| core.committed(&Change::Queued(job(7, Tier::Free)), now));
        let asked = Arc::new(Asked::default());
        let claims: Arc<dyn Claims> = Arc::clone(&asked) as Arc<dyn Claims>;
        let while_reading = scheduler.begin(&claims, |hand_over| {
            (100..100 + 3 * CHUNK as i64).for_each(|seq| hand_over(job(seq, Tier::Free)));
            // The heaviest comes last.
            hand_over(job(9_999, Tier::Enterprise));
            // Whatever happens meanwhile, such as this, decides nothing.
            scheduler.resume_lanes();
            asked.0.lock().clone()
        });
        assert_eq!(while_reading.unwrap(), [JobSeq(7)]);
        while asked.0.lock().len() < 3 {
            std::thread::yield_now();
        }
        scheduler.stop();
        assert_eq!(asked.0.lock()[1], JobSeq(9_999), "fair order from the first decision");
    }

    #[test]
    fn a_thread_that_stands_still_does_not_tick() {
        let tick = Timestamp(1_000_000);
        assert!(is_recent(tick, tick.after(TICK_AGE_MAX)));
        assert!(!is_recent(tick, tick.after(TICK_AGE_MAX + Duration::from_millis(1))));
    }
}
