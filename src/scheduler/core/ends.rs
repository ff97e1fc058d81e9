//! The end of a call: charges are settled, the lane's state moves, the job's fate is decided.

use crate::domain::lane::{CallEnd, CallReport, Verdict};
use crate::domain::{Failure, JobSeq, Timestamp, TokenUsage};

use super::Core;
use super::health::RATE_LIMITED;
use super::jobs::Waiting;
use super::retry::back_off;

impl Core {
    /// The call's first byte is about to leave.
    pub fn call_sent(&mut self, seq: JobSeq, run: u32, now: Timestamp) {
        self.notice(now);
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
        self.notice(now);
        let Some(running) = self.runs.get_mut(&report.seq).filter(|known| known.run == report.run) else {
            return Verdict::Finish;
        };
        if running.call_over {
            return Verdict::Finish;
        }
        running.call_over = true;
        let (lane, hold, strikes) = (running.lane, running.hold, u32::from(running.job.strikes));
        let sent_at = running.sent_at;
        let usage = counted(&running.job, report);
        match sent_at {
            Some(sent) => self.lanes[lane].settle(report.seq, &hold, &usage, sent, now),
            // Sent, but nobody said when: its minute starts now.
            None if report.sent => {
                self.lanes[lane].sent(now);
                self.lanes[lane].settle(report.seq, &hold, &usage, now, now);
            }
            None => self.lanes[lane].release(report.seq, &hold),
        }
        let verdict = self.decide(lane, report, strikes, now);
        if matches!(report.end, CallEnd::Answered) {
            self.pace.answered(sent_at.unwrap_or(now), now, &report.usage);
        }
        self.finish_run(report.seq, now);
        self.revision += 1;
        verdict
    }

    fn decide(&mut self, index: usize, report: &CallReport, strikes: u32, now: Timestamp) -> Verdict {
        let lane = &mut self.lanes[index];
        match &report.end {
            CallEnd::Answered | CallEnd::Rejected(_) => {
                // A rejection is an answer too: the upstream is well.
                lane.health.succeeded();
                Verdict::Finish
            }
            CallEnd::Abandoned => Verdict::Finish,
            CallEnd::Limited { retry_after } => {
                lane.limited(*retry_after, now);
                waits(RATE_LIMITED)
            }
            CallEnd::LanePaused { reason, until } => {
                lane.health.paused(report.seq, reason.clone(), *until);
                waits("the upstream is paused")
            }
            CallEnd::Failed { failure, retry_after, unreachable } => {
                let was_down =
                    lane.health.failed(report.seq, *unreachable, *retry_after, &failure.message, now);
                // Neither a probe nor a connection that could not be made is the job's fault.
                let strike = !was_down && !unreachable;
                if strike && strikes + 1 >= self.retry.max_attempts {
                    return Verdict::GiveUp(used_up(failure, strikes + 1));
                }
                let after = now.after(back_off(&self.retry, strikes + 1, *retry_after, (self.random)()));
                let at = if was_down {
                    // Should it be the job's fault after all, others get their turn.
                    after.max(self.step_aside(index, report.seq, now))
                } else {
                    after.max(self.lanes[index].allowance.spend(now))
                };
                Verdict::Retry { at: Some(at), strike, failed: true, reason: "the upstream failed" }
            }
        }
    }
}

/// What the upstream counts of a call that was sent. Of one that was given up or cut nobody
/// knows how far it got: it counts in full, as held.
fn counted(job: &Waiting, report: &CallReport) -> TokenUsage {
    let known = report.usage;
    match report.end {
        CallEnd::Abandoned | CallEnd::Failed { unreachable: false, .. } => TokenUsage {
            input: known.input.max(job.estimated_input.into()),
            output: known.output.max(job.max_tokens.into()),
            ..known
        },
        CallEnd::Answered
        | CallEnd::Rejected(_)
        | CallEnd::Limited { .. }
        | CallEnd::LanePaused { .. }
        | CallEnd::Failed { unreachable: true, .. } => known,
    }
}

fn waits(reason: &'static str) -> Verdict {
    Verdict::Retry { at: None, strike: false, failed: false, reason }
}

fn used_up(failure: &Failure, attempts: u32) -> Failure {
    let message = format!("{} It was tried {attempts} times; try again later.", failure.message);
    Failure { message, retryable: true, ..failure.clone() }
}
