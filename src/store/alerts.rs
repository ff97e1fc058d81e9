//! What is stored of alerts: plain data that commands take and reads give.

use std::time::Duration;

use crate::domain::alert::{Alert, AlertChannel, AlertTurn, Told};
use crate::domain::{KeyId, Money, Timestamp};

/// An alert as it is now, and what is to be told of it by which channels.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertSaved {
    /// The alert.
    pub alert: Alert,
    /// What the operator knows of it after this.
    pub told: Told,
    /// What to tell; `None`: nothing.
    pub tell: Option<AlertTurn>,
    /// How.
    pub channels: Vec<AlertChannel>,
}

/// A message on its way to the operator.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertMessage {
    /// Its row.
    pub id: i64,
    /// The alert as it is now.
    pub alert: Alert,
    /// What is told of it.
    pub turn: AlertTurn,
    /// How.
    pub channel: AlertChannel,
    /// Tries so far, all in vain.
    pub tries: u32,
    /// Since when it is on its way.
    pub made_at: Timestamp,
}

/// Which keys are asked for: those whose end is near.
#[derive(Clone, Copy, Debug)]
pub struct EndingWindow {
    /// Now.
    pub now: Timestamp,
    /// Those that ended within this are named too.
    pub ended: Duration,
    /// Those that end within this.
    pub early: Duration,
    /// And whose last so-manieth part of their life has begun.
    pub part: u32,
}

/// A key that ends by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingKey {
    /// Its public id.
    pub id: KeyId,
    /// Its owner's name.
    pub user: String,
    /// Since when there is it.
    pub created_at: Timestamp,
    /// Until when.
    pub expires_at: Timestamp,
}

/// What a user has spent of a month's budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spent {
    /// The user's name.
    pub user: String,
    /// What was spent this UTC month.
    pub cost: Money,
    /// What may be.
    pub budget: Money,
}
