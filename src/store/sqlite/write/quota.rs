//! Units, tokens and money by user and window.

use rusqlite::{OptionalExtension, params};

use crate::domain::job::Bill;
use crate::domain::limits::UserCounts;
use crate::domain::{Money, Timestamp, UserId};
use crate::store::StoreError;
use crate::store::sqlite::rows::signed;

use super::Batch;

/// `request_window.kind` and `usage_window.kind`.
pub(in crate::store::sqlite) const HOUR: i64 = 0;
/// As [`HOUR`].
pub(in crate::store::sqlite) const DAY: i64 = 1;
/// As [`HOUR`], for tokens and money only.
pub(in crate::store::sqlite) const MONTH: i64 = 2;

impl Batch<'_> {
    /// A user's counts at `now`, this transaction's own included.
    pub(super) fn counts(&self, user: UserId, now: Timestamp) -> Result<UserCounts, StoreError> {
        let (queued, running) = self.live(user);
        Ok(UserCounts {
            hour: self.units(user, HOUR, now.hour())?,
            day: self.units(user, DAY, now.day())?,
            running,
            queued,
            month_cost: self.month_cost(user, now)?,
            month_reserved: self.held(user)?,
        })
    }

    fn units(&self, user: UserId, kind: i64, start: Timestamp) -> Result<u32, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT used FROM request_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
        )?;
        Ok(statement.query_row(params![user, kind, start], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    pub(super) fn month_cost(&self, user: UserId, now: Timestamp) -> Result<Money, StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "SELECT cost FROM usage_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
        )?;
        let cost = statement.query_row(params![user, MONTH, now.month()], |row| row.get(0)).optional()?;
        Ok(cost.unwrap_or_default())
    }

    pub(super) fn held(&self, user: UserId) -> Result<Money, StoreError> {
        let mut statement = self.transaction.prepare_cached("SELECT amount FROM held WHERE user_id = ?1")?;
        Ok(statement.query_row(params![user], |row| row.get(0)).optional()?.unwrap_or_default())
    }

    /// Charges one unit to the hour and the day of `at`.
    pub(super) fn charge_unit(&self, user: UserId, at: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO request_window (user_id, kind, start, used) VALUES (?1, ?2, ?3, 1)
             ON CONFLICT DO UPDATE SET used = used + 1",
        )?;
        statement.execute(params![user, HOUR, at.hour()])?;
        statement.execute(params![user, DAY, at.day()])?;
        Ok(())
    }

    /// Gives one unit back to the hour and the day it was charged to.
    pub(super) fn return_unit(&self, user: UserId, charged_at: Timestamp) -> Result<(), StoreError> {
        let mut statement = self.transaction.prepare_cached(
            "UPDATE request_window SET used = used - 1
             WHERE user_id = ?1 AND kind = ?2 AND start = ?3 AND used > 0",
        )?;
        statement.execute(params![user, HOUR, charged_at.hour()])?;
        statement.execute(params![user, DAY, charged_at.day()])?;
        Ok(())
    }

    /// Holds money for a job, or lets go of it (negative).
    pub(super) fn hold(&self, user: UserId, amount: Money) -> Result<(), StoreError> {
        if amount == Money::ZERO {
            return Ok(());
        }
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO held (user_id, amount) VALUES (?1, ?2)
             ON CONFLICT DO UPDATE SET amount = amount + excluded.amount",
        )?;
        statement.execute(params![user, amount])?;
        Ok(())
    }

    /// Adds a call's tokens and cost to the hour, day and month it ended in.
    pub(super) fn add_usage(&self, user: UserId, bill: &Bill, at: Timestamp) -> Result<(), StoreError> {
        if *bill == Bill::default() {
            return Ok(());
        }
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO usage_window (user_id, kind, start, input, output, cache_read, cache_write, cost)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT DO UPDATE SET input = input + excluded.input, output = output + excluded.output,
                 cache_read = cache_read + excluded.cache_read, cache_write = cache_write + excluded.cache_write,
                 cost = cost + excluded.cost",
        )?;
        let tokens = &bill.tokens;
        for (kind, start) in [(HOUR, at.hour()), (DAY, at.day()), (MONTH, at.month())] {
            statement.execute(params![
                user,
                kind,
                start,
                signed(tokens.input),
                signed(tokens.output),
                signed(tokens.cache_read),
                signed(tokens.cache_write),
                bill.cost
            ])?;
        }
        Ok(())
    }
}
