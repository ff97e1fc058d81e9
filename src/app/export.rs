//! Usage for the operator's books, read from the database beside a running server.

use crate::config::Config;
use crate::domain::{Money, Timestamp, TokenUsage};
use crate::store::ledger::{BilledQuery, UsedQuery};
use crate::store::retention::USAGE_BY_DAY;
use crate::store::{Reads, sqlite};

use super::data_dir;
use super::engine::{database_path, now};

pub use crate::store::ledger::{Billed, Used, UsedBy};

/// Rows read at once: no more are in memory, however many there are.
const PAGE: u32 = 1000;

/// What a row of an export is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportBy {
    /// A user.
    User,
    /// A user and a UTC day.
    Day,
    /// A user and a UTC month.
    Month,
    /// A request.
    Request,
}

/// A span to export.
#[derive(Clone, Copy, Debug)]
pub struct ExportSpan {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant that is not in it.
    pub to: Timestamp,
    /// What a row is.
    pub by: ExportBy,
}

/// One row.
#[derive(Clone, Debug)]
pub enum ExportRow {
    /// What a user's calls used.
    Used(Used),
    /// What a request cost.
    Billed(Billed),
}

/// The sums over all rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExportTotals {
    /// Rows.
    pub rows: u64,
    /// Tokens.
    pub tokens: TokenUsage,
    /// Money.
    pub cost: Money,
    /// What the cache saved.
    pub saved: Money,
}

/// Why a span cannot be exported; a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadSpan(String);

impl ExportSpan {
    /// A span from the start of this UTC month until now, where nothing else is asked for.
    ///
    /// # Errors
    /// [`BadSpan`] when it is empty, or does not begin and end where what is added up does.
    pub fn new(by: ExportBy, from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Self, BadSpan> {
        let now = now();
        let (is_open, from, to) = (to.is_none(), from.unwrap_or_else(|| now.month()), to.unwrap_or(now));
        if from >= to {
            return Err(BadSpan(format!("the span is empty: it begins at {from} and ends at {to}")));
        }
        let (name, begins): (_, fn(Timestamp) -> Timestamp) = match by {
            ExportBy::Request => return Ok(Self { from, to, by }),
            ExportBy::User | ExportBy::Day => ("day", Timestamp::day),
            ExportBy::Month => ("month", Timestamp::month),
        };
        for instant in [Some(from), (!is_open).then_some(to)].into_iter().flatten() {
            if begins(instant) != instant {
                return Err(BadSpan(format!(
                    "{instant} is not the start of a UTC {name}, and usage is added up by the {name}; take {}, or --group-by request",
                    begins(instant)
                )));
            }
        }
        let span = Self { from, to, by };
        if span.used_by().is_some_and(|by| matches!(by, UsedBy::Day | UsedBy::UserOfDays))
            && from < now.before(USAGE_BY_DAY).day()
        {
            return Err(BadSpan(format!(
                "usage by the day is kept for {} days; older usage is there by the month: take whole months",
                USAGE_BY_DAY.as_secs() / 86_400
            )));
        }
        Ok(span)
    }

    /// What is added up; `None` for requests. Whole months are read from the sums of months, which
    /// are kept for ever.
    fn used_by(&self) -> Option<UsedBy> {
        let begins_month = |instant: Timestamp| instant.month() == instant;
        Some(match self.by {
            ExportBy::Request => return None,
            ExportBy::Day => UsedBy::Day,
            ExportBy::Month => UsedBy::Month,
            // An end that is no start of a day is the present: its month is all there is.
            ExportBy::User
                if begins_month(self.from) && (begins_month(self.to) || self.to.day() != self.to) =>
            {
                UsedBy::UserOfMonths
            }
            ExportBy::User => UsedBy::UserOfDays,
        })
    }
}

/// Hands over each row in turn, and returns their sums. Nothing is written, and at no time is a
/// transaction open while a row is handed over.
///
/// # Errors
/// When the database is not there or not of this version, a read fails, or `row` does.
pub fn export(
    config: &Config,
    span: ExportSpan,
    row: &mut dyn FnMut(ExportRow) -> anyhow::Result<()>,
) -> anyhow::Result<ExportTotals> {
    let database = database_path(config);
    data_dir::check_owner(&database)?;
    let reader = sqlite::open_for_reading(&database)?;
    let reads = reader.blocking();
    match span.used_by() {
        Some(by) => each_used(reads, span, by, row),
        None => each_billed(reads, span, row),
    }
}

fn each_used(
    reads: &dyn Reads,
    span: ExportSpan,
    by: UsedBy,
    row: &mut dyn FnMut(ExportRow) -> anyhow::Result<()>,
) -> anyhow::Result<ExportTotals> {
    let mut totals = ExportTotals::default();
    let mut query = UsedQuery { by, from: span.from, to: span.to, after: None, limit: PAGE };
    loop {
        let page = reads.used(&query)?;
        let Some(last) = page.last() else { return Ok(totals) };
        query.after = Some((last.user, last.start));
        for used in page {
            totals.add(used.tokens, used.cost, used.saved);
            row(ExportRow::Used(used))?;
        }
    }
}

fn each_billed(
    reads: &dyn Reads,
    span: ExportSpan,
    row: &mut dyn FnMut(ExportRow) -> anyhow::Result<()>,
) -> anyhow::Result<ExportTotals> {
    let mut totals = ExportTotals::default();
    let mut query = BilledQuery { from: span.from, to: span.to, after: None, limit: PAGE };
    loop {
        let page = reads.billed(&query)?;
        let Some(last) = page.last() else { return Ok(totals) };
        query.after = Some((last.created_at, last.seq));
        for billed in page {
            totals.add(billed.tokens, billed.cost, billed.saved);
            row(ExportRow::Billed(billed))?;
        }
    }
}

impl ExportTotals {
    fn add(&mut self, tokens: TokenUsage, cost: Money, saved: Money) {
        self.rows += 1;
        self.tokens += tokens;
        self.cost += cost;
        self.saved += saved;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Option<Timestamp> {
        Some(Timestamp::parse(text).unwrap())
    }

    #[test]
    fn whole_months_are_read_from_the_sums_of_months() {
        let by = |from, to| ExportSpan::new(ExportBy::User, at(from), at(to)).unwrap().used_by();
        assert_eq!(by("2020-01-01T00:00:00Z", "2020-03-01T00:00:00Z"), Some(UsedBy::UserOfMonths));
        let now = now();
        let open = ExportSpan::new(ExportBy::User, None, None).unwrap();
        assert_eq!((open.from, open.used_by()), (now.month(), Some(UsedBy::UserOfMonths)));
        let day =
            ExportSpan::new(ExportBy::User, Some(now.day().moved(-86_400_000)), Some(now.day())).unwrap();
        assert!(matches!(day.used_by(), Some(UsedBy::UserOfDays | UsedBy::UserOfMonths)));
    }

    #[test]
    fn a_span_that_would_be_cut_is_refused_with_a_reason() {
        for (by, from, to, said) in [
            (ExportBy::Day, "2020-01-01T00:00:00Z", "2020-01-01T00:00:00Z", "the span is empty"),
            (ExportBy::Day, "2026-01-01T00:00:01Z", "2026-01-02T00:00:00Z", "not the start of a UTC day"),
            (
                ExportBy::Month,
                "2026-01-02T00:00:00Z",
                "2026-02-01T00:00:00Z",
                "take 2026-01-01T00:00:00.000Z",
            ),
            (ExportBy::Day, "2020-01-01T00:00:00Z", "2020-02-01T00:00:00Z", "kept for 800 days"),
            (ExportBy::User, "2020-01-01T00:00:00Z", "2020-01-09T00:00:00Z", "take whole months"),
        ] {
            let refused = ExportSpan::new(by, at(from), at(to)).unwrap_err().to_string();
            assert!(refused.contains(said), "{refused}");
        }
        assert!(
            ExportSpan::new(ExportBy::Request, at("2020-01-01T10:20:30Z"), at("2020-01-01T10:20:31Z"))
                .is_ok()
        );
    }
}
