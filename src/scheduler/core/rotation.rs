//! Turns at probing: which job looks whether a lane that is down is back.
//!
//! A job whose probe failed, or whose failure took the lane down, is parked when a probe is due,
//! so every other job probes before it does so again. On the first success all
//! parked jobs wait in the order again at once; budgets and caps keep them from being a herd.

use std::time::Duration;

use crate::domain::{JobSeq, Timestamp};

use super::Core;
use super::health::PROBE_EVERY;
use super::jobs::Waiting;
use super::step::{Head, earliest};

/// Parked jobs that one step brings back; more come with the next.
const UNPARKED_MAX: usize = 256;
/// The longest wait that is written down for a job that steps aside: after a restart nobody
/// remembers that the lane was down, and the job waits that long.
const ASIDE_MAX: Duration = Duration::from_secs(60);

/// What came of looking for somebody to probe.
pub(super) enum Probes {
    /// A parked job is in the order again.
    Called,
    /// Nobody is to be called before then.
    Next(Option<Timestamp>),
}

impl Core {
    /// A probe failed, or a call under way when its lane went down. Unless another lane of the
    /// pool is open, the job will be parked. Returns the earliest time of its next turn as far
    /// as is known: it grows with the number of jobs whose turn comes before.
    pub(super) fn step_aside(&mut self, lane: usize, seq: JobSeq, now: Timestamp) -> Timestamp {
        let Some(pool) = self.runs.get(&seq).map(|run| run.job.pool) else { return now };
        if self.has_open_lane(usize::from(pool)) {
            self.lanes[lane].health.suspect(seq);
            return now;
        }
        if let Some(run) = self.runs.get_mut(&seq) {
            run.steps_aside = true;
        }
        let turns = u32::try_from(self.back_offs.parked_in(pool)).unwrap_or(u32::MAX).saturating_add(1);
        now.after(PROBE_EVERY.saturating_mul(turns).min(ASIDE_MAX))
    }

    /// Whether a probe is due that the head must leave to another, having had its turn.
    pub(super) fn has_had_its_turn(&self, head: &Head, now: Timestamp) -> bool {
        let seq = self.jobs.get(head.slot).key.seq;
        let mut lanes = self.pools[head.pool].lanes.iter().map(|index| &self.lanes[*index].health);
        lanes.any(|health| health.takes_calls(now) && health.suspects(seq))
    }

    /// Parks a job that waits.
    pub(super) fn park(&mut self, seq: JobSeq, now: Timestamp) {
        let Some(slot) = self.jobs.find(seq) else { return };
        let until = self.back_offs.until(seq).unwrap_or(now);
        let job = self.leave(slot);
        self.note(Waiting { backing_off: true, ..job });
        self.back_offs.park(seq, job.pool, until);
        self.revision += 1;
    }

    /// Brings parked jobs of pools with an open lane back. Returns whether there are more.
    pub(super) fn unpark_where_open(&mut self) -> bool {
        let mut left = UNPARKED_MAX;
        for index in 0..self.pools.len() {
            let pool = u8::try_from(index).unwrap_or(0);
            if !self.back_offs.has_parked(pool) || !self.has_open_lane(index) {
                continue;
            }
            while left > 0 && self.unpark(pool) {
                left -= 1;
            }
            if self.back_offs.has_parked(pool) {
                return true;
            }
        }
        false
    }

    /// Where a probe is due and no other job can be it, calls the job parked longest.
    pub(super) fn call_for_probes(&mut self, closed: &[bool], now: Timestamp) -> Probes {
        let mut next: Option<Timestamp> = None;
        for (index, closed) in closed.iter().copied().enumerate() {
            let pool = u8::try_from(index).unwrap_or(0);
            let parked = self.back_offs.first_parked(pool).filter(|_| !closed);
            let Some((seq, slot)) = parked.and_then(|seq| Some((seq, self.jobs.find(seq)?))) else {
                continue;
            };
            let job = self.jobs.get(slot);
            let lanes = self.pools[index].lanes.iter().map(|index| {
                let lane = &self.lanes[*index];
                (lane, lane.hold(job.estimated_input, job.max_tokens))
            });
            if lanes.clone().any(|(lane, hold)| lane.health.takes_calls(now) && lane.has_room(&hold, now)) {
                self.pools[index].lanes.iter().for_each(|lane| self.lanes[*lane].health.acquit(seq));
                self.unpark(pool);
                return Probes::Called;
            }
            let room = lanes.filter_map(|(lane, hold)| lane.room_at(&hold, now)).min();
            next = earliest(next, room);
        }
        Probes::Next(next)
    }

    /// Puts the job parked longest into the order.
    fn unpark(&mut self, pool: u8) -> bool {
        let Some(seq) = self.back_offs.take_parked(pool) else { return false };
        if let Some(slot) = self.jobs.find(seq) {
            let job = self.forget_slot(slot);
            self.enter(job);
            self.revision += 1;
        }
        true
    }

    fn has_open_lane(&self, pool: usize) -> bool {
        self.pools[pool].lanes.iter().any(|index| self.lanes[*index].health.is_open())
    }
}
