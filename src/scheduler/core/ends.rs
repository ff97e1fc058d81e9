//! The end of a call: charges are settled, the lane's state moves, the job's fate is decided.

use crate::domain::lane::{CallEnd, CallReport, Verdict};
use crate::domain::{Failure, JobSeq, Timestamp};

use super::Core;
use super::retry::back_off;

impl Core {
    /// The call's first byte is about to leave.
    pub fn call_sent(&mut self, seq: JobSeq, run: u32, now: Timestamp) {
        if let Some(running) = self.runs.get_mut(&seq).filter(|known| known.run == run)
            && running.sent_at.is_none()
            && !running.call_over
        {
            running.sent_at = Some(now);
            self.lanes[running.lane].sent(now);
        }
    }

    /// A call ended. Returns what becomes of its job.
    pub fn call_ended(&mut self, report: &CallReport, now: Timestamp) -> Verdict {
        let Some(running) = self.runs.get_mut(&report.seq).filter(|known| known.run == report.run) else {
            return Verdict::Finish;
        };
        if running.call_over {
            return Verdict::Finish;
        }
        running.call_over = true;
        let (lane, hold, strikes) = (running.lane, running.hold, u32::from(running.job.strikes));
        let sent_at = running.sent_at;
        match sent_at {
            Some(sent) => self.lanes[lane].settle(report.seq, &hold, &report.usage, sent, now),
            // Sent, but nobody said when: its minute starts now.
            None if report.sent => {
                self.lanes[lane].sent(now);
                self.lanes[lane].settle(report.seq, &hold, &report.usage, now, now);
            }
            None => self.lanes[lane].release(report.seq, &hold, false),
        }
        let verdict = self.decide(lane, report, strikes, now);
        if matches!(report.end, CallEnd::Answered) {
            self.pace.answered(sent_at.unwrap_or(now), now, &report.usage);
        }
        self.finish_run(report.seq, now);
        self.revision += 1;
        verdict
    }

    fn decide(&mut self, lane: usize, report: &CallReport, strikes: u32, now: Timestamp) -> Verdict {
        let lane = &mut self.lanes[lane];
        match &report.end {
            CallEnd::Answered | CallEnd::Rejected(_) => {
                // A rejection is an answer too: the upstream is well.
                lane.succeeded();
                Verdict::Finish
            }
            CallEnd::Abandoned => Verdict::Finish,
            CallEnd::Limited { retry_after } => {
                lane.limited(*retry_after, now);
                waits("the upstream's rate limit was reached")
            }
            CallEnd::LanePaused { reason, until } => {
                lane.paused(reason.clone(), *until);
                waits("the upstream is paused")
            }
            CallEnd::Failed { failure, retry_after, unreachable } => {
                let was_down = lane.failed(report.seq, *unreachable, &failure.message, now);
                if !was_down && strikes + 1 >= self.retry.max_attempts {
                    return Verdict::GiveUp(used_up(failure, strikes + 1));
                }
                let random = (self.random)();
                let after = back_off(&self.retry, strikes + 1, *retry_after, random);
                let allowed = lane.spend_retry(now);
                // A lane that is down probes by its own clock; its jobs need no back-off.
                let at = if was_down { None } else { Some(now.after(after).max(allowed)) };
                Verdict::Retry { at, strike: !was_down, failed: true, reason: "the upstream failed" }
            }
        }
    }
}

fn waits(reason: &'static str) -> Verdict {
    Verdict::Retry { at: None, strike: false, failed: false, reason }
}

fn used_up(failure: &Failure, attempts: u32) -> Failure {
    let message = format!("{} It was tried {attempts} times; try again later.", failure.message);
    Failure { message, retryable: true, ..failure.clone() }
}
