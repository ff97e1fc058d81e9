//! Deciding: which jobs go now, and when to look again.

use std::cmp::Reverse;

use crate::domain::{JobSeq, Tier, Timestamp};

use super::pool::Key;
use super::{Action, Core, Run, Waiting};

/// Decisions of one step; more wait for the next, at once.
const ACTIONS_MAX: usize = 256;
/// Between two sweeps of users that have gone.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// The head of one pool: the job that is entitled to the pool's next capacity.
struct Head {
    pool: usize,
    tier: Tier,
    finish: u64,
    key: Key,
}

impl Core {
    /// Decides everything that can be decided now. Returns when to look again if nothing
    /// happens before; `None`: only something happening can change anything.
    pub fn step(&mut self, now: Timestamp, actions: &mut Vec<Action>) -> Option<Timestamp> {
        self.lanes.iter_mut().for_each(|lane| lane.advance(now));
        self.sweep(now);
        self.expire(now, actions);
        self.end_back_offs(now);
        let mut wake = self.next_deadline_or_back_off();
        if self.paused || self.jobs.is_empty() {
            return wake;
        }
        if self.hold_until > now {
            return earliest(wake, Some(self.hold_until));
        }
        let mut closed = vec![false; self.pools.len()];
        // A lane whose room is promised to a head: nobody behind that head may take it.
        let mut promised = vec![false; self.lanes.len()];
        while let Some(head) = self.head(&closed) {
            if actions.len() >= ACTIONS_MAX {
                return Some(now);
            }
            match self.lane_for(&head, &promised, now) {
                Some(lane) => actions.push(self.go(&head, lane, now)),
                None => {
                    closed[head.pool] = true;
                    let at = self.promise(&head, &mut promised, now);
                    wake = earliest(wake, at);
                }
            }
        }
        wake
    }

    fn expire(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        while let Some((at, seq)) = self.deadlines.first().copied() {
            if at > now || actions.len() >= ACTIONS_MAX {
                return;
            }
            // The job leaves when its end is committed; if the store fails it is tried again.
            self.deadlines.remove(&(at, seq));
            let again = now.after(std::time::Duration::from_secs(1));
            if let Some(job) = self.jobs.get_mut(&seq) {
                job.deadline_at = Some(again);
                self.deadlines.insert((again, seq));
                actions.push(Action::Expire(seq));
            }
        }
    }

    fn end_back_offs(&mut self, now: Timestamp) {
        while let Some((at, seq)) = self.back_offs.first().copied().filter(|(at, _)| *at <= now) {
            self.back_offs.remove(&(at, seq));
            if let Some(job) = self.jobs.remove(&seq) {
                self.enter(Waiting { backing_off: false, ..job }, now);
                self.revision += 1;
            }
        }
    }

    fn next_deadline_or_back_off(&self) -> Option<Timestamp> {
        let deadline = self.deadlines.first().map(|(at, _)| *at);
        earliest(deadline, self.back_offs.first().map(|(at, _)| *at))
    }

    /// The head with the smallest finish tag among pools that are not closed; ties to the
    /// heavier tier.
    fn head(&mut self, closed: &[bool]) -> Option<Head> {
        for tier in Tier::ALL {
            let ready = self.pools.iter().any(|pool| pool.tiers[tier.index()].head().is_some());
            self.shares.ready(tier, ready);
        }
        let open = self.pools.iter().enumerate().filter(|(index, _)| !closed[*index]);
        let heads = open.flat_map(|(pool, queues)| {
            Tier::ALL.into_iter().filter_map(move |tier| {
                let (key, _) = queues.tiers[tier.index()].head()?;
                Some((pool, tier, key))
            })
        });
        let heads = heads.filter_map(|(pool, tier, key)| {
            let cost = self.jobs.get(&key.seq)?.cost;
            Some(Head { pool, tier, finish: self.shares.finish_after(tier, cost.into()), key })
        });
        heads.min_by_key(|head| (head.finish, Reverse(head.tier), head.key))
    }

    fn lane_for(&self, head: &Head, promised: &[bool], now: Timestamp) -> Option<usize> {
        let job = self.jobs.get(&head.key.seq)?;
        self.pools[head.pool].lanes.iter().copied().find(|index| {
            let lane = &self.lanes[*index];
            !promised[*index]
                && lane.is_open(now)
                && lane.has_room(&lane.hold(job.estimated_input, job.max_tokens), now)
        })
    }

    /// Keeps the lanes that the head waits for from those behind it. Returns when one of them
    /// has room by the passing of time.
    fn promise(&self, head: &Head, promised: &mut [bool], now: Timestamp) -> Option<Timestamp> {
        let job = self.jobs.get(&head.key.seq)?;
        let mut wake = None;
        for index in self.pools[head.pool].lanes.iter().copied() {
            let lane = &self.lanes[index];
            promised[index] |= lane.is_open(now);
            let hold = lane.hold(job.estimated_input, job.max_tokens);
            wake = earliest(wake, lane.room_at(&hold, now));
        }
        wake
    }

    fn go(&mut self, head: &Head, lane: usize, now: Timestamp) -> Action {
        let seq = head.key.seq;
        // The head was read from `jobs` a moment ago, under the same exclusive borrow.
        let job = self.jobs.remove(&seq).unwrap_or_else(|| unreachable!("a head is a waiting job"));
        self.leave(&job);
        self.shares.went(head.tier, job.cost);
        self.pools[head.pool].tier(head.tier).went(head.key.tag);
        if let Some(user) = self.users.get_mut(&job.user) {
            user.running += 1;
        }
        self.running_by_tier[job.tier.index()] += 1;
        self.refresh_user(job.user);
        let taken = &mut self.lanes[lane];
        let hold = taken.hold(job.estimated_input, job.max_tokens);
        taken.take(seq, &hold, job.strikes > 0, now);
        let asked = self.models[usize::from(job.model)].as_deref();
        let model = asked.map_or_else(|| taken.spec.model.clone(), str::to_owned);
        let action = Action::Claim {
            seq,
            run: job.run,
            lane: taken.spec.name.clone(),
            model,
            estimated_input: job.estimated_input,
            estimated_output: job.max_tokens,
        };
        let run = Run {
            lane,
            hold,
            run: job.run + 1,
            sent_at: None,
            confirmed: false,
            job_over: false,
            call_over: false,
            requeued: None,
            job,
        };
        self.runs.insert(seq, run);
        self.revision += 1;
        action
    }

    fn sweep(&mut self, now: Timestamp) {
        if now.since(self.swept_at) < SWEEP_EVERY {
            return;
        }
        self.swept_at = now;
        self.pools.iter_mut().flat_map(|pool| pool.tiers.iter_mut()).for_each(super::pool::TierQueue::sweep);
    }

    /// For a job that was sent off: whether it is known here. Simulation only looks.
    pub fn is_running(&self, seq: JobSeq) -> bool {
        self.runs.contains_key(&seq)
    }
}

fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
