//! What a month's invoices rest on: who held which tier, what tiers cost, what was asked and used.
//!
//! A month that is closed takes no more: whatever is written for it late, or by a clock that went
//! back, counts in the next one. So its invoices say the same for ever, and nobody has to keep them.

use std::time::Duration;

use rusqlite::params;

use crate::domain::{Money, Tier, Timestamp};
use crate::store::StoreError;

use super::Batch;

/// Nothing is written later than so long after it happened: what is older was told by a clock that had
/// gone wrong, and counts where it says.
const LATE_MAX: Duration = Duration::from_secs(7 * 86_400);

/// Until when months are closed, in `setting`.
pub(in crate::store::sqlite) const CLOSED_UNTIL: &str = "books_closed_until";

impl Batch<'_> {
    /// The instant that what happens at `at` counts for: that, or the first that is still open.
    pub(super) fn open_at(&mut self, at: Timestamp) -> Result<Timestamp, StoreError> {
        let until = match self.counters.closed_until {
            Some(until) => until,
            None => {
                let mut statement =
                    self.transaction.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
                *self.counters.closed_until.insert(statement.query_row([CLOSED_UNTIL], |row| row.get(0))?)
            }
        };
        let is_late = at < until && until.since(at) <= LATE_MAX;
        Ok(if is_late { until } else { at })
    }

    pub(super) fn close_months(&mut self, until: Timestamp) -> Result<(), StoreError> {
        // They are not opened again.
        self.transaction.execute(
            "UPDATE setting SET value = max(value, ?2) WHERE name = ?1",
            params![CLOSED_UNTIL, until],
        )?;
        self.counters.closed_until = None;
        Ok(())
    }

    /// Writes down which tier a user holds from `at` on, if that is another than before.
    pub(super) fn note_tier(&mut self, name: &str, at: Timestamp) -> Result<(), StoreError> {
        let at = self.open_at(at)?;
        // A clock that went back does not put a change before the one it follows.
        let mut statement = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO tier_change (user_id, at, tier)
             SELECT id, max(?2, coalesce(latest.at, 0)), CASE WHEN disabled_at IS NULL THEN user.tier END
             FROM user LEFT JOIN tier_change AS latest ON latest.user_id = id
                  AND latest.at = (SELECT max(at) FROM tier_change WHERE user_id = id)
             WHERE name = ?1 AND (latest.at IS NULL
                  OR latest.tier IS NOT CASE WHEN disabled_at IS NULL THEN user.tier END)",
        )?;
        statement.execute(params![name, at])?;
        Ok(())
    }

    /// Writes down what each tier costs from `at` on, where that is another price than before.
    pub(super) fn note_all_prices(
        &mut self,
        prices: &[Option<Money>; 4],
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let at = self.open_at(at)?;
        let mut statement = self.transaction.prepare_cached(
            "INSERT OR REPLACE INTO tier_price (tier, at, price)
             SELECT ?1, max(?2, coalesce(max(at), 0)), ?3 FROM tier_price WHERE tier = ?1
             HAVING count(*) = 0 OR ?3 IS NOT
                 (SELECT price FROM tier_price WHERE tier = ?1 ORDER BY at DESC LIMIT 1)",
        )?;
        for tier in Tier::ALL {
            statement.execute(params![tier, at, prices[tier.index()]])?;
        }
        Ok(())
    }
}
