//! Units, tokens and money by user and window.
//!
//! A batch reads each counter once, changes it in memory, and writes it once before its commit:
//! 64 submits of one user cost one row each of its hour, its day and its held money.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::domain::job::Bill;
use crate::domain::limits::UserCounts;
use crate::domain::{Money, Timestamp, TokenUsage, UserId};
use crate::store::StoreError;
use crate::store::sqlite::rows::signed;

use super::Batch;

/// `request_window.kind` and `usage_window.kind`.
pub(in crate::store::sqlite) const HOUR: i64 = 0;
/// As [`HOUR`].
pub(in crate::store::sqlite) const DAY: i64 = 1;
/// As [`HOUR`], for tokens and money only.
pub(in crate::store::sqlite) const MONTH: i64 = 2;

/// A user's window: its kind and its first instant.
type Window = (UserId, i64, Timestamp);

/// A stored figure and whether this batch has changed it.
struct Counter<T> {
    value: T,
    changed: bool,
}

impl<T> Counter<T> {
    fn set(&mut self, value: T) {
        self.value = value;
        self.changed = true;
    }
}

/// The counters that a batch has touched.
#[derive(Default)]
pub(super) struct Counters {
    units: HashMap<Window, Counter<u32>>,
    held: HashMap<UserId, Counter<Money>>,
    /// What months had cost before this batch.
    month_costs: HashMap<(UserId, Timestamp), Money>,
    /// What this batch adds.
    usage: HashMap<Window, Bill>,
    /// Answers from the cache that this batch adds, and what they would have cost.
    saved: HashMap<Window, (i64, Money)>,
    /// Requests that this batch adds to months: accepted, and whose unit went back.
    requests: HashMap<(UserId, Timestamp), (i64, i64)>,
    /// What this batch adds to months by model.
    models: HashMap<(UserId, Timestamp, String), Bill>,
    /// Until when months are closed, once it was asked for.
    pub(super) closed_until: Option<Timestamp>,
}

impl Batch<'_> {
    /// A user's counts at `now`, this transaction's own included.
    pub(super) fn counts(&mut self, user: UserId, now: Timestamp) -> Result<UserCounts, StoreError> {
        let (queued, running) = self.live(user);
        Ok(UserCounts {
            hour: self.units((user, HOUR, now.hour()))?.value,
            day: self.units((user, DAY, now.day()))?.value,
            running,
            queued,
            month_cost: self.month_cost(user, now)?,
            month_reserved: self.held(user)?.value,
        })
    }

    fn units(&mut self, window: Window) -> Result<&mut Counter<u32>, StoreError> {
        Ok(match self.counters.units.entry(window) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let mut statement = self.transaction.prepare_cached(
                    "SELECT used FROM request_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
                )?;
                let (user, kind, start) = window;
                let used = statement.query_row(params![user, kind, start], |row| row.get(0)).optional()?;
                unknown.insert(Counter { value: used.unwrap_or(0), changed: false })
            }
        })
    }

    fn held(&mut self, user: UserId) -> Result<&mut Counter<Money>, StoreError> {
        Ok(match self.counters.held.entry(user) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let mut statement =
                    self.transaction.prepare_cached("SELECT amount FROM held WHERE user_id = ?1")?;
                let amount = statement.query_row(params![user], |row| row.get(0)).optional()?;
                unknown.insert(Counter { value: amount.unwrap_or_default(), changed: false })
            }
        })
    }

    fn month_cost(&mut self, user: UserId, now: Timestamp) -> Result<Money, StoreError> {
        let month = self.open_at(now)?.month();
        let before = match self.counters.month_costs.entry((user, month)) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => {
                let mut statement = self.transaction.prepare_cached(
                    "SELECT cost FROM usage_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
                )?;
                let cost = statement.query_row(params![user, MONTH, month], |row| row.get(0)).optional()?;
                *unknown.insert(cost.unwrap_or_default())
            }
        };
        let added = self.counters.usage.get(&(user, MONTH, month)).map(|bill| bill.cost);
        Ok(before + added.unwrap_or_default())
    }

    /// What a user's month has cost, and what is held for its jobs that wait or run.
    pub(super) fn committed_money(&mut self, user: UserId, now: Timestamp) -> Result<Money, StoreError> {
        Ok(self.month_cost(user, now)? + self.held(user)?.value)
    }

    /// Charges one unit to the hour and the day of `at`.
    pub(super) fn charge_unit(&mut self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        for (kind, start) in [(HOUR, at.hour()), (DAY, at.day())] {
            let counter = self.units((user, kind, start))?;
            counter.set(counter.value.saturating_add(1));
        }
        let month = self.open_at(at)?.month();
        self.counters.requests.entry((user, month)).or_default().0 += 1;
        Ok(())
    }

    /// Gives one unit back to the hour and the day it was charged to. In the month it counts at `at`.
    pub(super) fn return_unit(
        &mut self,
        user: UserId,
        charged_at: Timestamp,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        for (kind, start) in [(HOUR, charged_at.hour()), (DAY, charged_at.day())] {
            let counter = self.units((user, kind, start))?;
            // A window that was purged meanwhile has nothing to give back to.
            if counter.value > 0 {
                counter.set(counter.value - 1);
            }
        }
        let month = self.open_at(at)?.month();
        self.counters.requests.entry((user, month)).or_default().1 += 1;
        Ok(())
    }

    /// Holds money for a job, or lets go of it (negative).
    pub(super) fn hold(&mut self, user: UserId, amount: Money) -> Result<(), StoreError> {
        if amount != Money::ZERO {
            let counter = self.held(user)?;
            counter.set(counter.value + amount);
        }
        Ok(())
    }

    /// Adds a call's tokens and cost to the hour, day and month it ended in.
    pub(super) fn add_usage(
        &mut self,
        user: UserId,
        model: String,
        bill: &Bill,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        if bill.tokens == TokenUsage::default() && bill.cost == Money::ZERO {
            return Ok(());
        }
        let at = self.open_at(at)?;
        let of_model = self.counters.models.entry((user, at.month(), model)).or_default();
        of_model.tokens += bill.tokens;
        of_model.cost += bill.cost;
        for (kind, start) in [(HOUR, at.hour()), (DAY, at.day()), (MONTH, at.month())] {
            let added = self.counters.usage.entry((user, kind, start)).or_default();
            added.tokens += bill.tokens;
            added.cost += bill.cost;
        }
        Ok(())
    }

    /// Counts an answer from the cache in the hour, day and month it was given in.
    pub(super) fn add_saved(&mut self, user: UserId, saved: Money, at: Timestamp) -> Result<(), StoreError> {
        let at = self.open_at(at)?;
        for (kind, start) in [(HOUR, at.hour()), (DAY, at.day()), (MONTH, at.month())] {
            let added = self.counters.saved.entry((user, kind, start)).or_default();
            added.0 += 1;
            added.1 += saved;
        }
        Ok(())
    }

    /// Writes what has changed; the last thing before the commit.
    pub(super) fn write_counters(&self) -> Result<(), StoreError> {
        write_units(self.transaction, &self.counters.units)?;
        write_held(self.transaction, &self.counters.held)?;
        write_usage(self.transaction, &self.counters.usage)?;
        write_saved(self.transaction, &self.counters.saved)?;
        write_requests(self.transaction, &self.counters.requests)?;
        write_models(self.transaction, &self.counters.models)
    }
}

fn write_units(
    transaction: &Transaction<'_>,
    units: &HashMap<Window, Counter<u32>>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO request_window (user_id, kind, start, used) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET used = excluded.used",
    )?;
    for ((user, kind, start), counter) in units.iter().filter(|(_, counter)| counter.changed) {
        statement.execute(params![user, kind, start, counter.value])?;
    }
    Ok(())
}

fn write_held(
    transaction: &Transaction<'_>,
    held: &HashMap<UserId, Counter<Money>>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO held (user_id, amount) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET amount = excluded.amount",
    )?;
    for (user, counter) in held.iter().filter(|(_, counter)| counter.changed) {
        statement.execute(params![user, counter.value])?;
    }
    Ok(())
}

fn write_usage(transaction: &Transaction<'_>, usage: &HashMap<Window, Bill>) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO usage_window (user_id, kind, start, input, output, cache_read, cache_write, cost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET input = input + excluded.input, output = output + excluded.output,
             cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
             cost = cost + excluded.cost",
    )?;
    for ((user, kind, start), Bill { tokens, cost, .. }) in usage {
        statement.execute(params![
            user,
            kind,
            start,
            signed(tokens.input),
            signed(tokens.output),
            signed(tokens.cache_read),
            signed(tokens.cache_write),
            cost
        ])?;
    }
    Ok(())
}

fn write_saved(
    transaction: &Transaction<'_>,
    saved: &HashMap<Window, (i64, Money)>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO usage_window (user_id, kind, start, hits, saved) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET hits = hits + excluded.hits, saved = saved + excluded.saved",
    )?;
    for ((user, kind, start), (hits, saved)) in saved {
        statement.execute(params![user, kind, start, hits, saved])?;
    }
    Ok(())
}

fn write_requests(
    transaction: &Transaction<'_>,
    requests: &HashMap<(UserId, Timestamp), (i64, i64)>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO month_requests (user_id, month, accepted, returned) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET accepted = accepted + excluded.accepted,
             returned = returned + excluded.returned",
    )?;
    for ((user, month), (accepted, returned)) in requests {
        statement.execute(params![user, month, accepted, returned])?;
    }
    Ok(())
}

fn write_models(
    transaction: &Transaction<'_>,
    models: &HashMap<(UserId, Timestamp, String), Bill>,
) -> Result<(), StoreError> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO month_model (user_id, month, model, input, output, cache_read, cache_write, cost)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT DO UPDATE SET input = input + excluded.input, output = output + excluded.output,
             cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
             cost = cost + excluded.cost",
    )?;
    for ((user, month, model), Bill { tokens, cost, .. }) in models {
        statement.execute(params![
            user,
            month,
            model,
            signed(tokens.input),
            signed(tokens.output),
            signed(tokens.cache_read),
            signed(tokens.cache_write),
            cost
        ])?;
    }
    Ok(())
}
