//! Has the wall clock been set forward? Told by a clock beside it that nobody sets. Used by the
//! scheduler's thread; it decides nothing.

use std::time::{Duration, Instant};

use crate::domain::Timestamp;

/// Less is drift, and a budget's network margin outlives it.
const STEP_MIN: Duration = Duration::from_secs(1);

/// The two clocks as they were read last.
#[derive(Debug, Default)]
pub(super) struct Watch {
    last: Option<(Instant, Timestamp)>,
}

impl Watch {
    /// Notes a reading of the wall clock, made between the two instants. Returns by how much it
    /// was set forward since the last one, if it was. A thread that is held up between its
    /// readings makes no step of it: at most, a short one is missed.
    pub(super) fn read(&mut self, before: Instant, wall: Timestamp, after: Instant) -> Option<Duration> {
        let (instant, told) = self.last.replace((before, wall))?;
        let step = wall.since(told).saturating_sub(after.saturating_duration_since(instant));
        (step > STEP_MIN).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_step_forward_is_told() {
        let mut watch = Watch::default();
        let begin = Instant::now();
        let at = |ms: u64| begin + Duration::from_millis(ms);
        assert_eq!(watch.read(at(0), Timestamp(1_000_000), at(0)), None);
        assert_eq!(watch.read(at(5000), Timestamp(1_005_400), at(5000)), None, "drift");
        let minute = Some(Duration::from_secs(60));
        assert_eq!(watch.read(at(6000), Timestamp(1_066_400), at(6000)), minute);
        assert_eq!(watch.read(at(7000), Timestamp(1_067_400), at(7000)), None, "told once");
        assert_eq!(watch.read(at(8000), Timestamp(1_007_400), at(8000)), None, "back shows by itself");
        assert_eq!(watch.read(at(9000), Timestamp(1_018_400), at(19_000)), None, "held up");
    }
}
