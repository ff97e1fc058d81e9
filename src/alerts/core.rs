//! What of the conditions is news: a pure function of what was told, what is so, and the time.
//!
//! A trouble is told when it begins and when it has been over for a while; one that comes and goes
//! is told once a window. "Over" is told only to who heard that it began. Nothing is told again because
//! the server restarts: [`Core::restore`] takes what was told before.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::domain::Timestamp;
use crate::domain::alert::{Alert, AlertId, AlertKind, AlertTurn, Told};

use super::conditions::{Condition, Signal};

/// A trouble is over when it has been gone for so long.
pub const CALM: Duration = Duration::from_secs(60);

/// Something to keep, and perhaps to tell.
#[derive(Clone, Debug, PartialEq)]
pub struct Turn {
    /// The alert as it is now.
    pub alert: Alert,
    /// What the operator knows of it after this.
    pub told: Told,
    /// What to tell; `None`: nothing, for it was told within the window, or goes without saying.
    pub tell: Option<AlertTurn>,
}

/// A key's latest alert.
#[derive(Clone, Debug)]
struct Known {
    alert: Alert,
    told: Told,
    /// Since when its condition is gone, while the alert still stands.
    calm_since: Option<Timestamp>,
}

impl Known {
    fn stands(&self) -> bool {
        self.alert.resolved_at.is_none()
    }

    fn turn(&self, tell: Option<AlertTurn>) -> Turn {
        Turn { alert: self.alert.clone(), told: self.told, tell }
    }
}

/// What has been told, by key.
#[derive(Clone, Debug, Default)]
pub struct Core {
    known: BTreeMap<String, Known>,
    /// Conditions that must last before they count, since when they last.
    lasting: BTreeMap<String, Timestamp>,
}

impl Core {
    /// Takes over what was raised before: all that stands, and what was told within the window.
    pub fn restore(alerts: impl IntoIterator<Item = (Alert, Told)>) -> Self {
        let mut core = Self::default();
        for (alert, told) in alerts {
            let fresh = Known { alert, told, calm_since: None };
            // What stands counts before what is over, whatever the clock said then.
            let rank = |known: &Known| (known.stands(), known.told.at);
            if core.known.get(&fresh.alert.key).is_none_or(|other| rank(other) <= rank(&fresh)) {
                core.known.insert(fresh.alert.key.clone(), fresh);
            }
        }
        core
    }

    /// The alerts that stand, in the order of their keys.
    pub fn standing(&self) -> impl Iterator<Item = &Alert> {
        self.known.values().filter(|known| known.stands()).map(|known| &known.alert)
    }

    /// What is news at `now`, in the order of the conditions, and then what is over. Of the kinds
    /// `unseen` not everything was looked at: what stands of them and is not among the conditions goes on.
    /// `window` is how often one trouble is told at most; `fresh` makes the name of an alert.
    pub fn step(
        &mut self,
        conditions: &[Condition],
        unseen: &[AlertKind],
        window: Duration,
        now: Timestamp,
        fresh: &mut dyn FnMut() -> AlertId,
    ) -> Vec<Turn> {
        let signals: HashMap<&str, Signal> =
            conditions.iter().map(|condition| (condition.key.as_str(), condition.signal)).collect();
        self.lasting.retain(|key, _| signals.get(key.as_str()).is_some_and(|signal| *signal != Signal::Off));
        let highest = self.highest_thresholds(conditions);
        let mut turns = Vec::new();
        for condition in conditions.iter().filter(|condition| condition.signal == Signal::On) {
            let since = self.lasting.entry(condition.key.clone()).or_insert(now);
            // A clock that was set back begins the wait anew.
            *since = (*since).min(now);
            if now.since(*since) >= condition.lasting {
                let goes_without_saying = condition.threshold.is_some_and(|threshold| {
                    group(condition.kind, &condition.key)
                        .and_then(|group| highest.get(group))
                        .is_some_and(|highest| *highest > threshold)
                });
                turns.extend(self.raise(condition, goes_without_saying, window, now, fresh));
            }
        }
        self.end(&signals, unseen, now, &mut turns);
        // What is over and may be raised anew needs no memory.
        self.known.retain(|_, known| known.stands() || known.told.is_within(window, now));
        turns
    }

    /// Of each group of alerts that differ by their thresholds, the highest that is crossed or stands.
    fn highest_thresholds<'a>(&self, conditions: &'a [Condition]) -> HashMap<&'a str, f64> {
        let mut highest: HashMap<&str, f64> = HashMap::new();
        for condition in conditions {
            let (Some(group), Some(threshold)) = (group(condition.kind, &condition.key), condition.threshold)
            else {
                continue;
            };
            let stands = || self.known.get(&condition.key).is_some_and(Known::stands);
            if condition.signal == Signal::On || stands() {
                let known = highest.entry(group).or_insert(threshold);
                *known = known.max(threshold);
            }
        }
        highest
    }

    fn raise(
        &mut self,
        condition: &Condition,
        goes_without_saying: bool,
        window: Duration,
        now: Timestamp,
        fresh: &mut dyn FnMut() -> AlertId,
    ) -> Option<Turn> {
        match self.known.get_mut(&condition.key) {
            Some(known) if known.stands() => {
                if known.told.is_heard || goes_without_saying || known.told.is_within(window, now) {
                    return None;
                }
                // It came again within the window, and stays: who heard last that it is over hears of it.
                condition.renew(&mut known.alert);
                known.told = Told { at: now, is_heard: true };
                Some(known.turn(Some(AlertTurn::Raised)))
            }
            // Told within the window: it stands again, and nobody is told twice.
            Some(known) if known.told.is_within(window, now) => {
                condition.renew(&mut known.alert);
                known.alert.raised_at = now;
                known.alert.resolved_at = None;
                known.told.is_heard = false;
                Some(known.turn(None))
            }
            _ => {
                let told = Told { at: now, is_heard: !goes_without_saying };
                let known = Known { alert: condition.alert(fresh(), now), told, calm_since: None };
                let turn = known.turn(told.is_heard.then_some(AlertTurn::Raised));
                self.known.insert(condition.key.clone(), known);
                Some(turn)
            }
        }
    }

    fn end(
        &mut self,
        signals: &HashMap<&str, Signal>,
        unseen: &[AlertKind],
        now: Timestamp,
        turns: &mut Vec<Turn>,
    ) {
        for known in self.known.values_mut().filter(|known| known.stands()) {
            let signal = match signals.get(known.alert.key.as_str()) {
                Some(signal) => *signal,
                None if unseen.contains(&known.alert.kind) => Signal::Between,
                None => Signal::Off,
            };
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
                let was_heard = std::mem::take(&mut known.told.is_heard);
                turns.push(known.turn(was_heard.then_some(AlertTurn::Resolved)));
            }
        }
    }
}

/// What alerts of several thresholds have in common; `None` for kinds that have one bound. When several
/// are crossed the highest is told: the lower ones go without saying.
fn group(kind: AlertKind, key: &str) -> Option<&str> {
    match kind {
        AlertKind::UpstreamLimit | AlertKind::Budget => Some(key.rsplit_once('/')?.0),
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
