//! Deciding: which jobs go now, and when to look again.

use std::cmp::Reverse;

use crate::domain::{Tier, Timestamp};

use super::jobs::{Slot, Waiting};
use super::rotation::Probes;
use super::{Action, Core, Run};

/// Decisions of one step; more wait for the next, at once.
const ACTIONS_MAX: usize = 256;
/// A job past its deadline is asked to end again after this long.
const EXPIRE_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);
/// Where one step did not do everything, the next comes this soon.
const SOON: std::time::Duration = std::time::Duration::from_millis(1);
/// Between two sweeps of users that have gone.
const SWEEP_EVERY: std::time::Duration = std::time::Duration::from_secs(60);

/// The head of one pool: the job that is entitled to the pool's next capacity.
pub(super) struct Head {
    pub(super) pool: usize,
    tier: Tier,
    pub(super) slot: Slot,
}

impl Core {
    /// Decides everything that can be decided now. Returns when to look again if nothing
    /// happens before; `None`: only something happening can change anything.
    pub fn step(&mut self, now: Timestamp, actions: &mut Vec<Action>) -> Option<Timestamp> {
        self.notice(now);
        self.lanes.iter_mut().for_each(|lane| lane.advance(now));
        self.sweep(now);
        self.expire(now, actions);
        self.end_back_offs(now);
        let more_parked = self.unpark_where_open();
        let mut wake = self.next_deadline_or_back_off();
        if self.paused || self.loading || self.jobs.len() == 0 {
            return wake;
        }
        if self.hold_until > now {
            return earliest(wake, Some(self.hold_until));
        }
        let mut closed = vec![false; self.pools.len()];
        // A lane whose room is promised to a head: nobody behind that head may take it.
        let mut promised = vec![false; self.lanes.len()];
        loop {
            let Some(head) = self.head(&closed) else {
                match self.call_for_probes(&closed, now) {
                    Probes::Called => continue,
                    Probes::Next(at) => {
                        return earliest(earliest(wake, at), more_parked.then_some(now.after(SOON)));
                    }
                }
            };
            if actions.len() >= ACTIONS_MAX {
                return Some(now);
            }
            match self.lane_for(&head, &promised, now) {
                Some(lane) => actions.push(self.go(&head, lane, now)),
                None if self.has_had_its_turn(&head, now) => {
                    // It stays entitled to what the open lanes have next.
                    wake = earliest(wake, self.promise(&head, &mut promised, now));
                    self.park(self.jobs.get(head.slot).key.seq, now);
                }
                None => {
                    closed[head.pool] = true;
                    let at = self.promise(&head, &mut promised, now);
                    wake = earliest(wake, at);
                }
            }
        }
    }

    fn expire(&mut self, now: Timestamp, actions: &mut Vec<Action>) {
        while let Some((at, seq)) = self.deadlines.first().copied() {
            if at > now || actions.len() >= ACTIONS_MAX {
                return;
            }
            self.deadlines.remove(&(at, seq));
            let Some(slot) = self.jobs.find(seq) else { continue };
            // The job leaves when its end is committed. Until then it must not go; should the
            // store fail, it is tried again.
            let again = now.after(EXPIRE_AGAIN);
            let job = self.leave(slot);
            self.back_off(Waiting { deadline_at: again, paid: true, ..job }, again);
            actions.push(Action::Expire(seq));
        }
    }

    fn end_back_offs(&mut self, now: Timestamp) {
        while let Some(seq) = self.back_offs.take_due(now) {
            if let Some(slot) = self.jobs.find(seq) {
                let job = self.forget_slot(slot);
                self.enter(job);
                self.revision += 1;
            }
        }
    }

    fn next_deadline_or_back_off(&self) -> Option<Timestamp> {
        earliest(self.deadlines.first().map(|(at, _)| *at), self.back_offs.next())
    }

    /// The head with the smallest finish tag among pools that are not closed; ties to the
    /// heavier tier. The pools of a tier take turns.
    fn head(&mut self, closed: &[bool]) -> Option<Head> {
        for tier in Tier::ALL {
            let ready = self.pools.iter().any(|pool| pool.tiers[tier.index()].head().is_some());
            self.shares.ready(tier, ready);
        }
        let first = Tier::ALL.into_iter().filter_map(|tier| {
            let pools = self.pools.iter().enumerate().filter(|(index, _)| !closed[*index]);
            let heads = pools.filter_map(|(index, pool)| {
                let queue = &pool.tiers[tier.index()];
                Some((queue.turn, index, queue.head()?))
            });
            let (_, pool, key) = heads.min_by_key(|(turn, index, _)| (*turn, *index))?;
            let slot = self.jobs.find(key.seq)?;
            let finish = self.shares.next_finish(tier, self.jobs.get(slot).cost);
            Some((finish, Head { pool, tier, slot }))
        });
        first.min_by_key(|(finish, head)| (*finish, Reverse(head.tier))).map(|(_, head)| head)
    }

    fn lane_for(&self, head: &Head, promised: &[bool], now: Timestamp) -> Option<usize> {
        let job = self.jobs.get(head.slot);
        self.pools[head.pool].lanes.iter().copied().find(|index| {
            let lane = &self.lanes[*index];
            !promised[*index]
                && lane.health.takes_calls(now)
                && !lane.health.suspects(job.key.seq)
                && lane.has_room(&lane.hold(job.estimated_input, job.max_tokens), now)
        })
    }

    /// Keeps the lanes that the head waits for from those behind it. Returns when one of them
    /// has room by the passing of time.
    fn promise(&self, head: &Head, promised: &mut [bool], now: Timestamp) -> Option<Timestamp> {
        let job = self.jobs.get(head.slot);
        let mut wake = None;
        for index in self.pools[head.pool].lanes.iter().copied() {
            let lane = &self.lanes[index];
            promised[index] |= lane.health.takes_calls(now) && !lane.health.suspects(job.key.seq);
            let hold = lane.hold(job.estimated_input, job.max_tokens);
            wake = earliest(wake, lane.room_at(&hold, now));
        }
        wake
    }

    fn go(&mut self, head: &Head, lane: usize, now: Timestamp) -> Action {
        let queue = &mut self.pools[head.pool].tiers[head.tier.index()];
        queue.go(head.slot, &mut self.jobs);
        let turn = &mut self.turns[head.tier.index()];
        *turn = queue.turn.max(*turn);
        let job = *self.jobs.get(head.slot);
        queue.turn = *turn + u64::from(job.cost);
        self.forget_slot(head.slot);
        let seq = job.key.seq;
        self.shares.went(head.tier, job.cost);
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
            steps_aside: false,
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
}

pub(super) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}
