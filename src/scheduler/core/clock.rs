//! A wall clock that is set must neither stop a lane for an hour nor let charges lapse: whatever
//! runs here by time keeps its length. A deadline is a date, and stands.
//!
//! That the clock went back shows by itself. That it was set forward does not: who has a clock
//! that nobody sets beside it tells the core.

use std::time::Duration;

use crate::domain::Timestamp;

use super::Core;

/// Threads read the clock one after the other and may report in another order: less than this
/// is no setting back, and budgets outlive it by their network margin.
const DISORDER: Duration = Duration::from_secs(1);

impl Core {
    /// Notes the time of whatever happens. Every method that is told the time begins with this.
    pub(super) fn notice(&mut self, now: Timestamp) {
        let back = self.latest.since(now);
        if back <= DISORDER {
            self.latest = self.latest.max(now);
            return;
        }
        self.moved(-i64::try_from(back.as_millis()).unwrap_or(i64::MAX), now);
    }

    /// The wall clock, now at `now`, was set forward by so much.
    pub fn clock_set_forward(&mut self, by: Duration, now: Timestamp) {
        self.moved(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), now);
    }

    fn moved(&mut self, by_ms: i64, now: Timestamp) {
        self.latest = now;
        self.lanes.iter_mut().for_each(|lane| lane.shift(by_ms));
        self.back_offs.shift(by_ms);
        self.runs.values_mut().for_each(|run| run.sent_at = run.sent_at.map(|at| at.moved(by_ms)));
        self.hold_until = self.hold_until.moved(by_ms);
        self.swept_at = self.swept_at.moved(by_ms);
        self.pace.forget_ended();
        self.revision += 1;
    }
}
