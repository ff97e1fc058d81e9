//! A wall clock that is set back must neither stop a lane for an hour nor let charges lapse:
//! whatever runs here by time keeps its length. A deadline is a date, and stands.

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
        self.latest = now;
        self.lanes.iter_mut().for_each(|lane| lane.shift(back));
        self.back_offs.shift(back);
        self.runs.values_mut().for_each(|run| run.sent_at = run.sent_at.map(|at| at.before(back)));
        self.hold_until = self.hold_until.before(back);
        self.swept_at = self.swept_at.before(back);
        self.pace.forget_ended();
    }
}
