//! What of the conditions is news: a pure function of what was told, what is so, and the time.
//!
//! A trouble is told when it begins and when it has been over for a while; one that comes and goes
//! is told once a window. Nothing is told again because the server restarts: [`Core::restore`] takes
//! what was told before.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::alert::{Alert, AlertId, AlertKind, AlertTurn};

use super::conditions::{Condition, Signal};

/// A trouble is over when it has been gone for so long.
pub const CALM: Duration = Duration::from_secs(60);

/// Something to keep, and perhaps to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The alert as it is now.
    pub alert: Alert,
    /// What to tell; `None`: nothing, for it was told within the window.
    pub tell: Option<AlertTurn>,
}

/// A key's latest alert.
#[derive(Clone, Debug)]
struct Known {
    alert: Alert,
    /// Since when its condition is gone, while the alert still stands.
    calm_since: Option<Timestamp>,
    /// It came again within the window, and nobody was told: who heard last that it is over hears of it
    /// when the window is.
    is_untold: bool,
}

/// What has been told, by key.
#[derive(Clone, Debug, Default)]
pub struct Core {
    known: BTreeMap<String, Known>,
    /// Conditions that must last before they count, since when they last.
    lasting: BTreeMap<String, Timestamp>,
}

impl Core {
    /// Takes over what was raised before: all that stands, and what was raised within the window.
    pub fn restore(alerts: impl IntoIterator<Item = Alert>) -> Self {
        let mut core = Self::default();
        for alert in alerts {
            let is_later =
                core.known.get(&alert.key).is_none_or(|other| other.alert.raised_at <= alert.raised_at);
            if is_later {
                core.known.insert(alert.key.clone(), Known { alert, calm_since: None, is_untold: false });
            }
        }
        core
    }

    /// How many alerts stand.
    pub fn standing(&self) -> impl Iterator<Item = &Alert> {
        self.known.values().map(|known| &known.alert).filter(|alert| alert.resolved_at.is_none())
    }

    /// What is news at `now`, in the order of the keys. `window` is how often one trouble is told at
    /// most; `fresh` makes the name of an alert.
    pub fn step(
        &mut self,
        conditions: &[Condition],
        window: Duration,
        now: Timestamp,
        fresh: &mut dyn FnMut() -> AlertId,
    ) -> Vec<Turn> {
        self.lasting
            .retain(|key, _| conditions.iter().any(|one| one.key == *key && one.signal != Signal::Off));
        let mut turns = Vec::new();
        for condition in conditions.iter().filter(|condition| condition.signal == Signal::On) {
            let since = self.lasting.entry(condition.key.clone()).or_insert(now);
            // A clock that was set back begins the wait anew.
            *since = (*since).min(now);
            if now.since(*since) >= condition.lasting {
                turns.extend(self.raise(condition, window, now, fresh));
            }
        }
        let mut gone: Vec<Turn> = Vec::new();
        for known in self.known.values_mut().filter(|known| known.alert.resolved_at.is_none()) {
            let signal = conditions
                .iter()
                .find(|one| one.key == known.alert.key)
                .map_or(Signal::Off, |one| one.signal);
            if signal != Signal::Off {
                known.calm_since = None;
                continue;
            }
            // A clock that was set back begins the wait anew.
            let since = known.calm_since.filter(|since| *since <= now).unwrap_or(now);
            known.calm_since = Some(since);
            if now.since(since) >= CALM {
                known.alert.resolved_at = Some(now);
                known.calm_since = None;
                known.is_untold = false;
                gone.push(Turn { alert: known.alert.clone(), tell: Some(AlertTurn::Resolved) });
            }
        }
        turns.append(&mut gone);
        // What is over and may be raised anew needs no memory.
        self.known.retain(|_, known| {
            known.alert.resolved_at.is_none() || is_within(window, known.alert.raised_at, now)
        });
        quiet_lower_thresholds(&mut turns);
        turns
    }

    fn raise(
        &mut self,
        condition: &Condition,
        window: Duration,
        now: Timestamp,
        fresh: &mut dyn FnMut() -> AlertId,
    ) -> Option<Turn> {
        match self.known.get_mut(&condition.key) {
            Some(known) if known.alert.resolved_at.is_none() => {
                let is_due = known.is_untold && !is_within(window, known.alert.raised_at, now);
                is_due.then(|| {
                    known.is_untold = false;
                    known.alert.raised_at = now;
                    Turn { alert: known.alert.clone(), tell: Some(AlertTurn::Raised) }
                })
            }
            // Told within the window: it stands again, and nobody is told twice.
            Some(known) if is_within(window, known.alert.raised_at, now) => {
                known.alert.resolved_at = None;
                known.is_untold = true;
                Some(Turn { alert: known.alert.clone(), tell: None })
            }
            _ => {
                let alert = condition.alert(fresh(), now);
                self.known.insert(
                    alert.key.clone(),
                    Known { alert: alert.clone(), calm_since: None, is_untold: false },
                );
                Some(Turn { alert, tell: Some(AlertTurn::Raised) })
            }
        }
    }
}

/// Whether something was told within the window. What was told by a clock that was set back since, far
/// in the future, is no reason to be silent until then.
fn is_within(window: Duration, told_at: Timestamp, now: Timestamp) -> bool {
    now.since(told_at) < window && told_at.since(now) < window
}

/// When one look finds a figure above several thresholds, the highest is told: the lower ones go
/// without saying.
fn quiet_lower_thresholds(turns: &mut [Turn]) {
    let told: Vec<(String, f64)> = turns
        .iter()
        .filter(|turn| turn.tell.is_some())
        .filter_map(|turn| Some((group(&turn.alert)?.to_owned(), turn.alert.threshold?)))
        .collect();
    for turn in turns {
        let (Some(group), Some(threshold)) = (group(&turn.alert), turn.alert.threshold) else { continue };
        if told.iter().any(|(other, higher)| other == group && *higher > threshold) {
            turn.tell = None;
        }
    }
}

/// What alerts of several thresholds have in common; `None` for kinds that have one bound.
fn group(alert: &Alert) -> Option<&str> {
    match alert.kind {
        AlertKind::UpstreamLimit | AlertKind::Budget => Some(alert.key.rsplit_once('/')?.0),
        AlertKind::UpstreamPaused
        | AlertKind::UpstreamDown
        | AlertKind::QueueAge
        | AlertKind::FailureRate
        | AlertKind::DiskSpace
        | AlertKind::KeyExpiry => None,
    }
}

#[cfg(test)]
#[path = "core_tests.rs"]
mod tests;
