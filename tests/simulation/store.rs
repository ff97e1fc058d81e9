//! The modelled store: what is on disk, how it changes, and what a crash leaves of it.

use diagramd::domain::change::{EndKind, Ended};
use diagramd::domain::failure::FailureCode;
use diagramd::domain::lane::{LaneName, Verdict};
use diagramd::domain::{
    Brief, Change, Claimed, DiagramType, Failure, JobSeq, JobState, Origin, QueuedJob, Timestamp, TokenUsage,
};
use rand::RngExt;

use crate::calls::{Call, Past};
use crate::world::{Happening, World};

/// A write on its way to disk; writes commit in the order they were made.
#[derive(Clone, Debug)]
pub enum Write {
    Submit(QueuedJob),
    Claim { seq: i64, run: u32, lane: usize, input: u32, output: u32, fails: bool },
    Cancel(i64),
    Expire(i64),
    Settle { seq: i64, run: u32, verdict: Verdict, completed: bool },
}

/// A job as the store holds it.
pub struct Stored {
    pub job: QueuedJob,
    pub state: JobState,
    pub attempts: u32,
}

impl Stored {
    /// The one way for a state to change.
    fn move_to(&mut self, state: JobState) {
        assert!(
            self.state.may_become(state),
            "job {:?} went from {:?} to {state:?}",
            self.job.seq,
            self.state
        );
        self.state = state;
    }
}

impl World {
    /// Writes reach the disk in order, a few milliseconds later.
    pub fn write(&mut self, write: Write) {
        let at = (self.now.0 + self.rng.random_range(1..10)).max(self.commits_at);
        self.commits_at = at;
        self.after(at - self.now.0, Happening::Commit(write));
    }

    pub fn commit(&mut self, write: Write) {
        match write {
            Write::Submit(job) => {
                let seq = job.seq.0;
                self.store.insert(seq, Stored { job: job.clone(), state: JobState::Queued, attempts: 0 });
                self.tell(Change::Queued(job));
                self.check_place(seq);
            }
            Write::Claim { seq, run, lane, input, output, fails } => {
                self.claim(seq, run, lane, (input, output), fails);
            }
            Write::Cancel(seq) => self.cancel(seq),
            Write::Expire(seq) => {
                if self.store[&seq].state == JobState::Queued {
                    self.end(seq, JobState::Expired, EndKind::Expired);
                }
            }
            Write::Settle { seq, run, verdict, completed } => self.settle(seq, run, verdict, completed),
        }
    }

    fn claim(&mut self, seq: i64, run: u32, lane: usize, (input, output): (u32, u32), fails: bool) {
        let now = self.clock();
        let stored = self.store.get_mut(&seq).unwrap();
        let gone = stored.state != JobState::Queued || stored.job.run != run;
        if fails || gone {
            self.checks.forget(seq, run + 1);
            self.core.claim_failed(JobSeq(seq), gone && !fails, now);
            return;
        }
        stored.move_to(JobState::Processing);
        stored.job.run += 1;
        stored.job.retry_at = None;
        let job = stored.job.clone();
        let name = self.plan.lanes[lane].name.clone();
        let change = Change::Claimed(Box::new(claimed(&job, stored.attempts, name, now)));
        let call = Call { lane, user: job.user, input, output, sent: None, reached: false, cancelled: false };
        self.calls.insert((seq, job.run), call);
        self.tell(change);
        let at = self.rng.random_range(0..20);
        self.after(at, Happening::Send { seq, run: job.run });
    }

    fn cancel(&mut self, seq: i64) {
        let Some(state) = self.store.get(&seq).map(|stored| stored.state) else { return };
        if state.is_terminal() {
            return;
        }
        self.end(seq, JobState::Cancelled, EndKind::Cancelled);
        let run = self.store[&seq].job.run;
        if state == JobState::Processing
            && let Some(call) = self.calls.get_mut(&(seq, run))
        {
            call.cancelled = true;
            self.after(1, Happening::CallEnd { seq, run });
        }
    }

    fn settle(&mut self, seq: i64, run: u32, verdict: Verdict, completed: bool) {
        let stored = self.store.get_mut(&seq).unwrap();
        if stored.state != JobState::Processing || stored.job.run != run {
            return;
        }
        match verdict {
            Verdict::Finish if completed => self.end(seq, JobState::Completed, failed()),
            Verdict::Finish => self.end(seq, JobState::Failed, failed()),
            Verdict::GiveUp(_) => {
                stored.job.strikes += 1;
                self.end(seq, JobState::Failed, failed());
            }
            Verdict::Retry { at, strike, failed, reason } => {
                stored.move_to(JobState::Queued);
                stored.job.retry_at = at;
                stored.job.strikes += u32::from(strike);
                stored.attempts += u32::from(failed);
                let (job, attempts) = (stored.job.clone(), stored.attempts);
                self.tell(Change::Requeued { job, attempts, reason, failed, repairing: None });
            }
        }
    }

    fn end(&mut self, seq: i64, state: JobState, how: EndKind) {
        let ended_at = self.clock();
        let stored = self.store.get_mut(&seq).unwrap();
        let was_running = stored.state == JobState::Processing;
        stored.move_to(state);
        let job = &stored.job;
        let ended = Ended {
            seq: job.seq,
            id: job.id,
            user: job.user,
            created_at: job.created_at,
            ended_at,
            was_running,
            how,
            origin: Origin::default(),
            shared: None,
        };
        self.told.ended += 1;
        self.tell(Change::Ended(ended));
        if self.is_poisoned(seq) {
            self.told.poisoned_failed += u64::from(state == JobState::Failed);
        } else {
            self.told.healthy_done = self.now.0 - self.outage_end();
        }
    }

    /// Everything in memory goes; what was committed is read back, as a start does.
    pub fn crash(&mut self) {
        self.told.crashes += 1;
        self.woken_for = None;
        // Writes under way are lost; upstreams see their connections close. Users come again.
        self.happenings.retain(|_, happening| match happening {
            Happening::Commit(Write::Cancel(_)) | Happening::Arrive => true,
            Happening::Crash | Happening::SetBack => true,
            Happening::Commit(_) | Happening::Wake => false,
            Happening::Send { .. } | Happening::Reach { .. } | Happening::CallEnd { .. } => false,
        });
        self.commits_at = self.now.0;
        self.open.clear();
        self.restart_core();
        let clock = self.clock();
        for (_, call) in std::mem::take(&mut self.calls) {
            let usage =
                TokenUsage { input: call.input.into(), output: call.output.into(), ..TokenUsage::default() };
            self.past.push(Past { lane: call.lane, usage, sent: clock, ended: clock });
        }
        self.checks.crashed(self.now);
        for stored in self.store.values_mut().filter(|stored| stored.state == JobState::Processing) {
            stored.move_to(JobState::Queued);
        }
        let live = self.store.values().filter(|stored| !stored.state.is_terminal());
        let waiting: Vec<QueuedJob> = live.map(|stored| stored.job.clone()).collect();
        for past in &self.past {
            let name = &self.plan.lanes[past.lane].name;
            self.core.restore_charge(name, &past.usage, past.sent, past.ended);
        }
        waiting.into_iter().for_each(|job| self.tell(Change::Queued(job)));
    }
}

fn failed() -> EndKind {
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
        repair: None,
        created_at: job.created_at,
        waiting_since: job.created_at,
        claimed_at: now,
        origin: Origin::default(),
    }
}
