//! What the store has committed, as the core learns it. Changes come in commit order; a call's
//! end may come before or after the end of its job.

use crate::domain::change::Ended;
use crate::domain::{Change, JobSeq, QueuedJob, Tier, Timestamp, UserId};

use super::jobs::{Key, NO_DEADLINE, Slot, Waiting};
use super::{Core, Run, User};

/// Scale of costs: a job that takes a whole minute's budget costs this much.
const COST_OF_A_MINUTE: f64 = 1_000_000.0;
/// Cost of a job where nothing is limited.
const COST_UNLIMITED: u32 = 1000;
/// No claims for this long after the store failed one.
const STORE_TROUBLE: std::time::Duration = std::time::Duration::from_secs(1);

impl Core {
    /// Learns of one committed change.
    pub fn committed(&mut self, change: &Change, now: Timestamp) {
        self.notice(now);
        match change {
            // What is released has followed a job that this core knew; it comes by itself now, to
            // the place of its own acceptance.
            Change::Queued(job) | Change::Released { job, .. } => self.add(job, None, now),
            Change::Claimed(job) => {
                if let Some(run) = self.runs.get_mut(&job.seq) {
                    run.confirmed = true;
                }
            }
            Change::Requeued { job, .. } => {
                if let Some(run) = self.runs.get_mut(&job.seq) {
                    run.job_over = true;
                    run.requeued = Some(Box::new(job.clone()));
                    self.finish_run(job.seq, now);
                }
            }
            // Never waited here, and made no call.
            Change::Answered(_) | Change::Joined { .. } | Change::Left(_) | Change::Message(_) => {}
            Change::Ended(ended) => self.ended(ended, now),
            Change::UserChanged { user, tier } => self.user_changed(*user, *tier),
            Change::Paused(paused) => self.paused = *paused,
        }
        self.revision += 1;
    }

    /// A claim could not be committed: its job is gone, or the store failed and it still waits.
    pub fn claim_failed(&mut self, seq: JobSeq, gone: bool, now: Timestamp) {
        self.notice(now);
        if self.runs.get(&seq).is_none_or(|run| run.confirmed) {
            return;
        }
        self.close_call(seq);
        if !gone {
            self.hold_until = now.after(STORE_TROUBLE);
        }
        self.remove_run(seq, !gone, now);
        self.revision += 1;
    }

    fn ended(&mut self, ended: &Ended, now: Timestamp) {
        self.pace.ended(now);
        if let Some(run) = self.runs.get_mut(&ended.seq) {
            run.job_over = true;
            run.requeued = None;
            if !ended.was_running && !run.confirmed {
                // Ended before its claim was written: that claim can only fail, and no call
                // will be made.
                self.close_call(ended.seq);
            }
            self.finish_run(ended.seq, now);
        } else if let Some(slot) = self.jobs.find(ended.seq) {
            let job = self.leave(slot);
            self.forget_job(job.user);
        }
    }

    /// Lets go of what a run's call holds; the call was never made.
    fn close_call(&mut self, seq: JobSeq) {
        if let Some(run) = self.runs.get_mut(&seq).filter(|run| !run.call_over) {
            run.call_over = true;
            let (lane, hold) = (run.lane, run.hold);
            self.lanes[lane].release(seq, &hold);
        }
    }

    /// Removes a run whose job and call are both over.
    pub(super) fn finish_run(&mut self, seq: JobSeq, now: Timestamp) {
        if self.runs.get(&seq).is_some_and(|run| run.job_over && run.call_over) {
            self.remove_run(seq, false, now);
        }
    }

    /// Ends a run; with `back` its job waits again as it did before.
    fn remove_run(&mut self, seq: JobSeq, back: bool, now: Timestamp) {
        let Some(run) = self.runs.remove(&seq) else { return };
        let Run { job, requeued, steps_aside, .. } = run;
        let job = Waiting { paid: true, ..job };
        self.running_by_tier[job.tier.index()] -= 1;
        if let Some(user) = self.users.get_mut(&job.user) {
            user.running = user.running.saturating_sub(1);
        }
        let (user, tag) = (job.user, job.key.tag);
        if back {
            self.enter(job);
        } else if let Some(requeued) = requeued {
            self.add(&requeued, Some(tag), now);
            self.forget_job(user);
            if steps_aside {
                self.park(requeued.seq, now);
            }
        } else {
            self.forget_job(user);
        }
        self.refresh_user(user);
    }

    /// Adds a job that waits; one that was here before keeps its tag, and so its place.
    fn add(&mut self, job: &QueuedJob, tag: Option<u64>, now: Timestamp) {
        let pool = self.pool_for(&job.model);
        let model = self.model_index(&job.model);
        let back_off = job.retry_at.filter(|at| *at > now);
        let queue = &self.pools[usize::from(pool)].tiers[job.tier.index()];
        let known = self.users.entry(job.user).or_insert(User { tier: job.tier, running: 0, jobs: 0 });
        known.jobs += 1;
        let waiting = Waiting {
            id: job.id,
            key: Key { tag: tag.unwrap_or_else(|| queue.tag(job.user, job.seq, &self.jobs)), seq: job.seq },
            user: job.user,
            created_at: job.created_at,
            deadline_at: job.deadline_at.unwrap_or(NO_DEADLINE),
            estimated_input: job.estimated_input,
            max_tokens: job.max_tokens,
            cost: self.cost(pool, job),
            run: job.run,
            model,
            strikes: u16::try_from(job.strikes).unwrap_or(u16::MAX),
            tier: job.tier,
            pool,
            // After a start, a job in back-off comes back from no chain: its tag stands.
            paid: tag.is_some() || back_off.is_some(),
            backing_off: false,
        };
        match back_off {
            Some(at) => self.back_off(waiting, at),
            None => self.enter(waiting),
        }
    }

    /// Puts a job into its tier's order.
    pub(super) fn enter(&mut self, job: Waiting) {
        let may_run = self.may_run(job.user);
        let slot = self.note(Waiting { backing_off: false, ..job });
        self.pools[usize::from(job.pool)].tiers[job.tier.index()].add(slot, &mut self.jobs, may_run);
    }

    /// Keeps a job out of every order until `at`.
    pub(super) fn back_off(&mut self, job: Waiting, at: Timestamp) {
        self.back_offs.insert(job.key.seq, at);
        self.note(Waiting { backing_off: true, ..job });
    }

    pub(super) fn note(&mut self, job: Waiting) -> Slot {
        if let Some(at) = job.deadline() {
            self.deadlines.insert((at, job.key.seq));
        }
        self.jobs.insert(job)
    }

    /// Takes a job that ends out of every order it stands in.
    pub(super) fn leave(&mut self, slot: Slot) -> Waiting {
        let job = *self.jobs.get(slot);
        if job.backing_off {
            self.back_offs.remove(job.key.seq);
        } else {
            let may_run = self.may_run(job.user);
            let queue = &mut self.pools[usize::from(job.pool)].tiers[job.tier.index()];
            queue.remove(slot, &mut self.jobs, may_run);
        }
        self.forget_slot(slot)
    }

    /// Takes a job out of the arena that stands in no order any more.
    pub(super) fn forget_slot(&mut self, slot: Slot) -> Waiting {
        let job = self.jobs.remove(slot);
        if let Some(at) = job.deadline() {
            self.deadlines.remove(&(at, job.key.seq));
        }
        job
    }

    fn forget_job(&mut self, user: UserId) {
        if let Some(known) = self.users.get_mut(&user) {
            known.jobs = known.jobs.saturating_sub(1);
            if known.jobs == 0 {
                self.users.remove(&user);
            }
        }
    }

    fn user_changed(&mut self, user: UserId, tier: Tier) {
        if let Some(known) = self.users.get_mut(&user) {
            known.tier = tier;
            self.refresh_user(user);
        }
    }

    /// The dominant share: the largest part of any of the first lane's budgets that the job takes.
    fn cost(&self, pool: u8, job: &QueuedJob) -> u32 {
        let Some(lane) = self.pools[usize::from(pool)].lanes.first().map(|index| &self.lanes[*index]) else {
            return COST_UNLIMITED;
        };
        let spec = &lane.spec;
        let (input, output) = (f64::from(job.estimated_input), f64::from(job.max_tokens));
        let parts = [
            (1.0, spec.requests_per_minute),
            (input + output, spec.tokens_per_minute),
            (input, spec.input_tokens_per_minute),
            (output, spec.output_tokens_per_minute),
        ];
        let limited = parts.iter().filter(|(_, limit)| *limit > 0);
        let share = limited.map(|(part, limit)| part / *limit as f64).fold(0.0, f64::max);
        if share == 0.0 {
            return COST_UNLIMITED;
        }
        (share.min(1.0) * COST_OF_A_MINUTE).ceil().max(1.0) as u32
    }
}
