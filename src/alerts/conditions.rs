//! What is the matter now: a pure function of what was observed and of the operator's bounds.
//!
//! A condition between its bound and a tenth below it is neither on nor off ([`Signal::Between`]), so
//! that a figure that trembles at its bound raises one alert.

use std::time::Duration;

use crate::domain::alert::{Alert, AlertId, AlertKind, AlertLevel};
use crate::domain::lane::{Gauge, LaneState, LaneStatus};
use crate::domain::limits::Overview;
use crate::domain::{Money, Timestamp};
use crate::store::alerts::{EndingKey, Spent};

use super::rate::Rate;

/// The operator's bounds.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Shares of a limit or budget, rising, each in 0..=1.
    pub thresholds: Vec<f64>,
    /// Age of the oldest waiting request.
    pub queue_age: Duration,
    /// Share of the requests that ended lately; 0: not looked at.
    pub failure_rate: f64,
    /// Share of the disk that should be free; 0: not looked at.
    pub disk_free: f64,
    /// How long before its end a key is named; 0: never.
    pub key_expiry: Duration,
}

/// Room where the data are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Bytes that may still be written.
    pub free: u64,
    /// Bytes altogether.
    pub size: u64,
}

/// Everything that is looked at.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The queue and the upstreams; `None` while the server starts.
    pub overview: Option<Overview>,
    /// What ended lately.
    pub rate: Rate,
    /// `None` where the file system does not tell.
    pub disk: Option<Disk>,
    /// Keys that end soon.
    pub keys: Vec<EndingKey>,
    /// Budgets that are nearly spent.
    pub budgets: Vec<Spent>,
    /// The UTC month that they are of, as `2026-11`.
    pub month: String,
    /// Kinds of which there was more than is looked at.
    pub unseen: Vec<AlertKind>,
}

/// Whether a condition holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// It does.
    On,
    /// Not quite: an alert that stands goes on, none begins.
    Between,
    /// It does not.
    Off,
}

/// One thing that may be the matter.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// See [`Alert::key`].
    pub key: String,
    /// Whether it holds.
    pub signal: Signal,
    /// How long it must hold before it counts.
    pub lasting: Duration,
    /// What it is about.
    pub kind: AlertKind,
    /// How much it matters.
    pub level: AlertLevel,
    /// See [`Alert::subject`].
    pub subject: String,
    /// See [`Alert::message`].
    pub message: String,
    /// See [`Alert::value`].
    pub value: Option<f64>,
    /// See [`Alert::threshold`].
    pub threshold: Option<f64>,
}

impl Condition {
    /// The alert that it raises.
    pub fn alert(&self, id: AlertId, now: Timestamp) -> Alert {
        Alert {
            id,
            key: self.key.clone(),
            kind: self.kind,
            level: self.level,
            subject: self.subject.clone(),
            message: self.message.clone(),
            value: self.value,
            threshold: self.threshold,
            raised_at: now,
            resolved_at: None,
        }
    }

    /// Says of an alert of this key what is the matter now.
    pub fn renew(&self, alert: &mut Alert) {
        alert.level = self.level;
        alert.message.clone_from(&self.message);
        alert.value = self.value;
        alert.threshold = self.threshold;
    }
}

/// What a condition of the server itself is about.
const SERVER: &str = "server";
/// A figure this much below its bound is well again.
const SLACK: f64 = 0.9;
/// A probe that succeeds within this is no outage.
const DOWN_LASTING: Duration = Duration::from_secs(30);
/// Fewer failures than this say nothing of a rate.
const FAILURES_MIN: u64 = 5;
/// A key that ended so long ago is not spoken of any more.
pub const KEY_ENDED_MAX: Duration = Duration::from_secs(24 * 3600);
/// A key that was made for a short while is named in this part of its life, the last one.
pub const KEY_LAST_PART: u32 = 4;

/// Everything that may be the matter at `now`; what is not among it is well.
pub fn conditions(seen: &Observation, bounds: &Bounds, now: Timestamp) -> Vec<Condition> {
    let mut all = Vec::new();
    if let Some(overview) = &seen.overview {
        for lane in &overview.upstreams {
            limits(lane, bounds, &mut all);
            all.extend(lane_state(lane));
        }
        all.push(queue_age(overview, bounds));
    }
    for spent in &seen.budgets {
        budget(spent, &seen.month, bounds, &mut all);
    }
    all.extend(failure_rate(seen.rate, bounds));
    all.extend(seen.disk.and_then(|disk| disk_space(disk, bounds)));
    all.extend(seen.keys.iter().filter_map(|key| key_expiry(key, bounds, now)));
    all.extend(seen.unseen.iter().map(|kind| more(*kind)));
    all
}

/// On from `bound` on, off below nine tenths of it.
fn rising(value: f64, bound: f64) -> Signal {
    if value >= bound {
        Signal::On
    } else if value >= bound * SLACK {
        Signal::Between
    } else {
        Signal::Off
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share, for people")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Whole percent, rounded down: 99.9 % is not all of it.
fn percent(share: f64) -> String {
    format!("{:.0} %", (share * 100.0 + 1e-9).floor())
}

/// The highest of several thresholds is critical.
fn level(threshold: f64, bounds: &Bounds) -> AlertLevel {
    let is_highest = bounds.thresholds.last().is_some_and(|last| threshold >= *last);
    if is_highest && bounds.thresholds.len() > 1 { AlertLevel::Critical } else { AlertLevel::Warning }
}

fn limits(lane: &LaneStatus, bounds: &Bounds, all: &mut Vec<Condition>) {
    for (name, words, gauge) in [
        ("requests", "requests", lane.requests_per_minute),
        ("tokens", "tokens", lane.tokens_per_minute),
        ("input_tokens", "input tokens", lane.input_tokens_per_minute),
        ("output_tokens", "output tokens", lane.output_tokens_per_minute),
    ] {
        let Gauge { limit: Some(limit), used, reserved, .. } = gauge else { continue };
        let taken = used.saturating_add(reserved);
        let value = share(taken, limit);
        for threshold in &bounds.thresholds {
            all.push(Condition {
                key: format!("upstream_limit/{}/{name}/{threshold}", lane.name),
                signal: rising(value, *threshold),
                lasting: Duration::ZERO,
                kind: AlertKind::UpstreamLimit,
                level: level(*threshold, bounds),
                subject: lane.name.to_string(),
                message: format!(
                    "The upstream {} has {} of its {limit} {words} a minute in use ({taken}). Requests beyond that \
                     wait for room; a larger plan or a second upstream gives more.",
                    lane.name,
                    percent(value)
                ),
                value: Some(value),
                threshold: Some(*threshold),
            });
        }
    }
}

fn lane_state(lane: &LaneStatus) -> Option<Condition> {
    let because = lane.reason.as_ref().map_or(String::new(), |reason| format!(" ({reason})"));
    let (kind, key, lasting, message) = match lane.state {
        LaneState::Paused => {
            let until = match lane.until {
                Some(until) => format!("It is tried again at {until}"),
                None => "It is tried again when the queue is resumed".to_owned(),
            };
            (
                AlertKind::UpstreamPaused,
                "upstream_paused",
                Duration::ZERO,
                format!(
                    "The upstream {} is paused{because}, and its requests wait. Check its key, its account and its \
                     model. {until} (POST /api/admin/queue/resume).",
                    lane.name
                ),
            )
        }
        LaneState::Probing => (
            AlertKind::UpstreamDown,
            "upstream_down",
            DOWN_LASTING,
            format!(
                "The upstream {} does not answer{because}, and its requests wait. One call is tried every few seconds.",
                lane.name
            ),
        ),
        LaneState::Open | LaneState::Limited => return None,
    };
    Some(Condition {
        key: format!("{key}/{}", lane.name),
        signal: Signal::On,
        lasting,
        kind,
        level: AlertLevel::Critical,
        subject: lane.name.to_string(),
        message,
        value: None,
        threshold: None,
    })
}

fn queue_age(overview: &Overview, bounds: &Bounds) -> Condition {
    let oldest = overview.by_tier.values().map(|tier| tier.oldest_wait_seconds).max().unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "seconds that a request waits")]
    let value = oldest as f64;
    let paused = if overview.paused { " The queue is paused." } else { "" };
    Condition {
        key: "queue_age".to_owned(),
        signal: rising(value, bounds.queue_age.as_secs_f64()),
        lasting: Duration::ZERO,
        kind: AlertKind::QueueAge,
        level: AlertLevel::Warning,
        subject: SERVER.to_owned(),
        message: format!(
            "The oldest waiting request has waited {}, and {} wait.{paused}",
            span(Duration::from_secs(oldest)),
            overview.depth
        ),
        value: Some(value),
        threshold: Some(bounds.queue_age.as_secs_f64()),
    }
}

fn budget(spent: &Spent, month: &str, bounds: &Bounds, all: &mut Vec<Condition>) {
    let part = |money: Money| u64::try_from(money.0).unwrap_or(0);
    let value = share(part(spent.cost), part(spent.budget));
    for threshold in &bounds.thresholds {
        all.push(Condition {
            // Another month is another budget.
            key: format!("budget/{}/{month}/{threshold}", spent.user),
            signal: rising(value, *threshold),
            lasting: Duration::ZERO,
            kind: AlertKind::Budget,
            level: level(*threshold, bounds),
            subject: spent.user.clone(),
            message: format!(
                "{} has spent {} of the budget for {month}: {} of {} US dollars. Requests that could exceed it are \
                 refused.",
                spent.user,
                percent(value),
                cents(spent.cost),
                cents(spent.budget)
            ),
            value: Some(value),
            threshold: Some(*threshold),
        });
    }
}

fn failure_rate(rate: Rate, bounds: &Bounds) -> Option<Condition> {
    if bounds.failure_rate <= 0.0 {
        return None;
    }
    let value = share(rate.failed, rate.ended);
    let signal = match rising(value, bounds.failure_rate) {
        // An alert that stands goes on while there is too little to tell.
        Signal::On if rate.failed < FAILURES_MIN => Signal::Between,
        // Nor is it over because a start forgot what failed before it.
        Signal::Off if !rate.is_whole && rate.ended - rate.failed < FAILURES_MIN => Signal::Between,
        signal => signal,
    };
    Some(Condition {
        key: "failure_rate".to_owned(),
        signal,
        lasting: Duration::ZERO,
        kind: AlertKind::FailureRate,
        level: AlertLevel::Critical,
        subject: SERVER.to_owned(),
        message: format!(
            "{} of the requests that ended in the last ten minutes failed: {} of {}. The dashboard and the log say why.",
            percent(value),
            rate.failed,
            rate.ended
        ),
        value: Some(value),
        threshold: Some(bounds.failure_rate),
    })
}

fn disk_space(disk: Disk, bounds: &Bounds) -> Option<Condition> {
    if bounds.disk_free <= 0.0 || disk.size == 0 {
        return None;
    }
    let value = share(disk.free, disk.size);
    let signal = if value < bounds.disk_free {
        Signal::On
    } else if value < bounds.disk_free / SLACK {
        Signal::Between
    } else {
        Signal::Off
    };
    Some(Condition {
        key: "disk_space".to_owned(),
        signal,
        lasting: Duration::ZERO,
        kind: AlertKind::DiskSpace,
        level: AlertLevel::Critical,
        subject: SERVER.to_owned(),
        message: format!(
            "{} of a disk that the server writes to is free ({} MiB). When it is full nothing is accepted any more; delete \
             or move something, or shorten retention.finished.",
            percent(value),
            disk.free >> 20
        ),
        value: Some(value),
        threshold: Some(bounds.disk_free),
    })
}

/// There are more of a kind than are looked at one by one.
fn more(kind: AlertKind) -> Condition {
    let message = match kind {
        AlertKind::Budget => {
            "More users are near their budgets than alerts can name. `diagramd stats --group-by user` shows all."
        }
        _ => "More keys end soon than alerts can name. `diagramd key list` shows all.",
    };
    Condition {
        // No threshold and no subject of its own: beside all others.
        key: format!("{}//more", kind.name()),
        signal: Signal::On,
        lasting: Duration::ZERO,
        kind,
        level: AlertLevel::Warning,
        subject: SERVER.to_owned(),
        message: message.to_owned(),
        value: None,
        threshold: None,
    }
}

fn key_expiry(key: &EndingKey, bounds: &Bounds, now: Timestamp) -> Option<Condition> {
    let early = bounds.key_expiry.min(key.expires_at.since(key.created_at) / KEY_LAST_PART);
    let left = key.expires_at.since(now);
    if bounds.key_expiry.is_zero() || left > early || now.since(key.expires_at) > KEY_ENDED_MAX {
        return None;
    }
    let when = if left.is_zero() {
        format!("expired at {}", key.expires_at)
    } else {
        format!("expires in {}, at {}", span(left), key.expires_at)
    };
    Some(Condition {
        key: format!("key_expiry/{}", key.id),
        signal: Signal::On,
        lasting: Duration::ZERO,
        kind: AlertKind::KeyExpiry,
        level: AlertLevel::Warning,
        subject: key.id.to_string(),
        message: format!(
            "The key {} of {} {when}. Make another with `diagramd key create --user {}` before it is refused, or revoke \
             it.",
            key.id, key.user, key.user
        ),
        value: Some(left.as_secs_f64().floor()),
        threshold: Some(early.as_secs_f64().floor()),
    })
}

/// `40 s`, `12 min`, `5 h`, `6 d`.
fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// With two digits after the point, rounded down.
fn cents(money: Money) -> String {
    let text = money.to_string();
    text[..text.len() - 7].to_owned()
}

#[cfg(test)]
#[path = "conditions_tests.rs"]
mod tests;
