//! Whether a lane takes calls: open, limited by a 429, paused by the upstream, or down.
//!
//! A lane that is down gets one probe every five seconds. Jobs take turns at it: those whose
//! calls took the lane down and those whose probes failed are suspects, and no suspect probes
//! while another job can. So a few jobs that always fail cannot keep a lane down for the others.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::{JobSeq, Timestamp};

/// Between two probes of a lane that is down.
pub(super) const PROBE_EVERY: Duration = Duration::from_secs(5);
/// The longest an upstream that is down can put the next probe off.
const PROBE_LATEST: Duration = Duration::from_secs(60);
/// Consecutive failures that take a lane down.
const FAILURES_DOWN: usize = 3;
/// Suspects that are remembered.
const SUSPECTS_MAX: usize = 16;
/// First and longest guess when a 429 names no time.
const LIMITED_FIRST: Duration = Duration::from_secs(1);
const LIMITED_LAST: Duration = Duration::from_secs(60);

/// Why a lane is limited.
pub(super) const RATE_LIMITED: &str = "the upstream's rate limit was reached";

/// Whether a lane takes calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Open,
    /// After a 429.
    Limited {
        until: Timestamp,
    },
    /// Credentials, billing, spend limit, unknown model.
    Paused {
        until: Option<Timestamp>,
        reason: String,
    },
    /// Down: one probe at a time, not before `next`.
    Down {
        next: Timestamp,
        reason: String,
    },
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Health {
    mode: Mode,
    /// The job whose call is the probe.
    probe: Option<JobSeq>,
    /// Jobs whose calls failed since the last success, and whether all were unreachable.
    failures: VecDeque<JobSeq>,
    all_unreachable: bool,
    suspects: VecDeque<JobSeq>,
    limited_in_a_row: u32,
}

impl Health {
    pub(super) const fn new() -> Self {
        Self {
            mode: Mode::Open,
            probe: None,
            failures: VecDeque::new(),
            all_unreachable: true,
            suspects: VecDeque::new(),
            limited_in_a_row: 0,
        }
    }

    pub(super) const fn mode(&self) -> &Mode {
        &self.mode
    }

    /// Whether calls go without a probe.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.mode, Mode::Open)
    }

    /// Reopens what has waited long enough.
    pub(super) fn advance(&mut self, now: Timestamp) {
        match &self.mode {
            Mode::Limited { until } if *until <= now => self.mode = Mode::Open,
            Mode::Paused { until: Some(until), reason } if *until <= now => {
                self.mode = Mode::Down { next: now, reason: reason.clone() };
            }
            Mode::Open | Mode::Limited { .. } | Mode::Paused { .. } | Mode::Down { .. } => {}
        }
    }

    /// Whether some job's call may go now.
    pub(super) fn takes_calls(&self, now: Timestamp) -> bool {
        match &self.mode {
            Mode::Open => true,
            Mode::Limited { .. } | Mode::Paused { .. } => false,
            Mode::Down { next, .. } => self.probe.is_none() && *next <= now,
        }
    }

    /// When calls may go by the passing of time alone; `None` when that waits for an event.
    pub(super) fn opens_at(&self, now: Timestamp) -> Option<Timestamp> {
        match &self.mode {
            Mode::Open => Some(now),
            Mode::Limited { until } => Some(*until),
            Mode::Paused { until, .. } => *until,
            Mode::Down { next, .. } => self.probe.is_none().then_some(*next),
        }
    }

    /// Whether the lane is down and this job has had its turn at probing it.
    pub(super) fn suspects(&self, seq: JobSeq) -> bool {
        matches!(self.mode, Mode::Down { .. }) && self.suspects.contains(&seq)
    }

    /// The job's turn has come again.
    pub(super) fn acquit(&mut self, seq: JobSeq) {
        self.suspects.retain(|suspect| *suspect != seq);
    }

    /// A call goes; of a lane that is down it is the probe.
    pub(super) fn went(&mut self, seq: JobSeq, now: Timestamp) {
        if let Mode::Down { next, .. } = &mut self.mode {
            *next = now.after(PROBE_EVERY);
            self.probe = Some(seq);
        }
    }

    /// A call is over, however it ended.
    pub(super) fn call_over(&mut self, seq: JobSeq) {
        if self.probe == Some(seq) {
            self.probe = None;
        }
    }

    /// An answer came: the lane is well.
    pub(super) fn succeeded(&mut self) {
        self.failures.clear();
        self.suspects.clear();
        self.all_unreachable = true;
        self.limited_in_a_row = 0;
        if matches!(self.mode, Mode::Down { .. }) {
            self.mode = Mode::Open;
        }
    }

    /// A 429. Returns whether it is a new overrun: calls that were on their way together are
    /// one, however many are refused.
    pub(super) fn limited(&mut self, retry_after: Option<Duration>, now: Timestamp) -> bool {
        let guess = LIMITED_FIRST.saturating_mul(1 << self.limited_in_a_row.min(6)).min(LIMITED_LAST);
        self.limited_in_a_row = self.limited_in_a_row.saturating_add(1);
        let until = now.after(retry_after.unwrap_or(guess));
        let is_new = !matches!(self.mode, Mode::Limited { .. });
        match &mut self.mode {
            Mode::Paused { .. } => {}
            Mode::Limited { until: before } => *before = until.max(*before),
            Mode::Open | Mode::Down { .. } => self.mode = Mode::Limited { until },
        }
        is_new
    }

    /// Credentials, billing, spend limit, unknown model.
    pub(super) fn paused(&mut self, seq: JobSeq, reason: String, until: Option<Timestamp>) {
        // As a probe it had its turn; when the pause is over, another may be luckier.
        self.suspect(seq);
        self.mode = Mode::Paused { until, reason };
    }

    /// A failed call. Returns whether the lane was down already: then the job has no part in it.
    pub(super) fn failed(
        &mut self,
        seq: JobSeq,
        unreachable: bool,
        retry_after: Option<Duration>,
        reason: &str,
        now: Timestamp,
    ) -> bool {
        if !matches!(self.mode, Mode::Open | Mode::Limited { .. }) {
            let pause = retry_after.unwrap_or_default().clamp(PROBE_EVERY, PROBE_LATEST);
            if let Mode::Down { next, .. } = &mut self.mode {
                *next = (*next).max(now.after(pause));
            }
            return true;
        }
        self.all_unreachable &= unreachable;
        push_bounded(&mut self.failures, seq, FAILURES_DOWN);
        if self.failures.len() == FAILURES_DOWN && (self.all_unreachable || all_different(&self.failures)) {
            self.mode = Mode::Down { next: now.after(PROBE_EVERY), reason: reason.to_owned() };
            self.failures.clone().into_iter().for_each(|seq| self.suspect(seq));
        }
        false
    }

    /// The operator resumes: what is shut is probed at once, whatever the upstream said of the
    /// time it wants.
    pub(super) fn resume(&mut self, now: Timestamp) {
        let reason = match &mut self.mode {
            Mode::Paused { reason, .. } => std::mem::take(reason),
            Mode::Limited { .. } => RATE_LIMITED.to_owned(),
            Mode::Open | Mode::Down { .. } => return,
        };
        self.mode = Mode::Down { next: now, reason };
    }

    /// The clock was set.
    pub(super) fn shift(&mut self, by_ms: i64) {
        match &mut self.mode {
            Mode::Limited { until } => *until = until.moved(by_ms),
            Mode::Down { next, .. } => *next = next.moved(by_ms),
            // The first of a month, say: a date, not a span.
            Mode::Open | Mode::Paused { .. } => {}
        }
    }

    /// The job has had its turn.
    pub(super) fn suspect(&mut self, seq: JobSeq) {
        if !self.suspects.contains(&seq) {
            push_bounded(&mut self.suspects, seq, SUSPECTS_MAX);
        }
    }
}

fn push_bounded(list: &mut VecDeque<JobSeq>, seq: JobSeq, most: usize) {
    if list.len() == most {
        list.pop_front();
    }
    list.push_back(seq);
}

fn all_different(jobs: &VecDeque<JobSeq>) -> bool {
    jobs.iter().enumerate().all(|(at, job)| jobs.iter().skip(at + 1).all(|other| other != job))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn fail(health: &mut Health, seq: i64, unreachable: bool) -> bool {
        health.failed(JobSeq(seq), unreachable, None, "down", NOW)
    }

    #[test]
    fn three_failures_of_three_jobs_take_a_lane_down_and_two_jobs_cannot() {
        let mut health = Health::new();
        [1, 2, 1, 2, 1, 2].into_iter().for_each(|seq| assert!(!fail(&mut health, seq, false)));
        assert!(health.is_open());
        assert!(!fail(&mut health, 3, false));
        assert!(!health.is_open() && !health.takes_calls(NOW));
        assert!(health.takes_calls(NOW.after(PROBE_EVERY)));
        assert!(health.suspects(JobSeq(3)) && !health.suspects(JobSeq(4)));
    }

    #[test]
    fn one_job_that_cannot_connect_takes_a_lane_down() {
        let mut health = Health::new();
        (0..3).for_each(|_| assert!(!fail(&mut health, 1, true)));
        assert!(fail(&mut health, 1, true), "a failed probe");
    }

    #[test]
    fn an_upstream_that_is_down_can_put_probes_off_for_a_minute_only() {
        let mut health = Health::new();
        (0..3).for_each(|seq| assert!(!fail(&mut health, seq, false)));
        let day = Some(Duration::from_secs(86_400));
        assert!(health.failed(JobSeq(9), false, day, "down", NOW));
        assert_eq!(health.opens_at(NOW), Some(NOW.after(PROBE_LATEST)));
    }

    #[test]
    fn calls_refused_together_are_one_overrun() {
        let mut health = Health::new();
        assert!(health.limited(Some(Duration::from_secs(2)), NOW));
        assert!(!health.limited(Some(Duration::from_secs(1)), NOW));
        assert_eq!(health.opens_at(NOW), Some(NOW.after(Duration::from_secs(2))));
    }

    #[test]
    fn an_operator_who_resumes_need_not_wait_for_what_a_429_asked() {
        let mut health = Health::new();
        health.limited(Some(Duration::from_secs(32 * 86_400)), NOW);
        assert!(!health.takes_calls(NOW));
        health.resume(NOW);
        assert!(health.takes_calls(NOW), "one probe");
        health.went(JobSeq(1), NOW);
        assert!(!health.takes_calls(NOW.after(PROBE_EVERY)), "and no other while it is under way");
        health.succeeded();
        assert!(health.is_open());
    }

    #[test]
    fn guesses_without_retry_after_grow_to_a_minute() {
        let mut health = Health::new();
        let mut now = NOW;
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            health.limited(None, now);
            assert_eq!(health.opens_at(now), Some(now.after(Duration::from_secs(seconds))));
            now = now.after(Duration::from_secs(seconds));
            health.advance(now);
        }
    }
}
