//! The books: what a month's invoices rest on is written down as it comes into force, and a month
//! that is over is closed.

use std::time::Duration;

use crate::domain::{Money, Timestamp};
use crate::store::{Priority, StoreError};

use super::Queue;

/// How long after its end a month is closed: what ended in it has been written by then.
const CLOSE_AFTER: Duration = Duration::from_secs(3600);

/// What was written down last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    prices: Option<[Option<Money>; 4]>,
    closed_until: Timestamp,
}

impl Queue {
    /// Writes down the prices in force and closes the months that are over, where that is news to
    /// `kept`. Returns what is written down now.
    ///
    /// # Errors
    /// What the store reports; then it is to be tried again.
    pub async fn keep_books(&self, kept: Kept) -> Result<Kept, StoreError> {
        let now = self.now();
        let prices = self.rules().tiers.0.each_ref().map(|policy| policy.price_usd_month);
        let closed_until = kept.closed_until.max(now.before(CLOSE_AFTER).month());
        let news = Kept { prices: Some(prices), closed_until };
        if news != kept {
            let write = self.inner.writer.write(Priority::Control, 0, move |commands| {
                commands.close_books(closed_until)?;
                commands.note_prices(&prices, now)
            });
            write.await?;
        }
        Ok(news)
    }
}
