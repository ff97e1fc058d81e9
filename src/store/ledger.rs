//! What was used and what it cost, row by row, for the operator's books.

use crate::domain::invoice::{Invoice, Month};
use crate::domain::{DiagramType, JobId, JobSeq, JobState, Money, Tier, Timestamp, TokenUsage, UserId};

/// What a row of [`Used`] adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsedBy {
    /// A user, over all of the span; from the sums of whole days.
    UserOfDays,
    /// A user, over all of the span; from the sums of whole months.
    UserOfMonths,
    /// A user and a UTC day.
    Day,
    /// A user and a UTC month.
    Month,
}

/// A page of [`Used`] to read: from `from` on, before `to`, after the row of `after`.
#[derive(Clone, Copy, Debug)]
pub struct UsedQuery {
    /// What a row adds up.
    pub by: UsedBy,
    /// The first instant of the first window.
    pub from: Timestamp,
    /// The first window that is not in it begins here or later.
    pub to: Timestamp,
    /// The last row of the page before.
    pub after: Option<(UserId, Timestamp)>,
    /// Rows at most.
    pub limit: u32,
}

/// What a user's calls used, by the instant they ended: as usage answers and budgets count it.
#[derive(Clone, Debug)]
pub struct Used {
    /// The user's row, to go on after it.
    pub user: UserId,
    /// The user's name.
    pub name: String,
    /// The user's tier now.
    pub tier: Tier,
    /// The first instant of the window; of the first one, where there are several.
    pub start: Timestamp,
    /// Tokens.
    pub tokens: TokenUsage,
    /// Money.
    pub cost: Money,
    /// Answers from the cache.
    pub hits: u64,
    /// What these would have cost.
    pub saved: Money,
}

/// A page of [`Billed`] to read: requests accepted from `from` on, before `to`.
#[derive(Clone, Copy, Debug)]
pub struct BilledQuery {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant that is not in it.
    pub to: Timestamp,
    /// The last row of the page before.
    pub after: Option<(Timestamp, JobSeq)>,
    /// Rows at most.
    pub limit: u32,
}

/// A request and what it cost: as statistics count it.
#[derive(Clone, Debug)]
pub struct Billed {
    /// Its place, to go on after it.
    pub seq: JobSeq,
    /// Its id.
    pub id: JobId,
    /// Its user's name.
    pub user: String,
    /// The tier it was accepted in.
    pub tier: Tier,
    /// Its state.
    pub state: JobState,
    /// Its language.
    pub diagram_type: DiagramType,
    /// The protocol of its last call.
    pub provider: Option<String>,
    /// The model of its last call.
    pub model: Option<String>,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its first call was claimed.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Calls that were sent and ended.
    pub calls: u64,
    /// Whether the cache answered it.
    pub cached: bool,
    /// Whether it shared the call of an equal one.
    pub coalesced: bool,
    /// Tokens of all its calls.
    pub tokens: TokenUsage,
    /// What they cost.
    pub cost: Money,
    /// What the cache saved.
    pub saved: Money,
    /// Whether tokens and money are estimates, in part at least.
    pub estimated: bool,
}

/// Invoices to read: of every user, after the one of `after`, or of one.
#[derive(Clone, Copy, Debug)]
pub struct InvoiceQuery {
    /// Their month.
    pub month: Month,
    /// The one user; `None`: all.
    pub user: Option<UserId>,
    /// The last user of the page before.
    pub after: Option<UserId>,
    /// Users looked at at most.
    pub limit: u32,
    /// Now: of a month that is not over there are the days so far.
    pub now: Timestamp,
}

/// A page of them, by user. Who owes nothing and used nothing has none, unless asked for alone.
#[derive(Clone, Debug)]
pub struct InvoicePage {
    /// The invoices.
    pub invoices: Vec<Invoice>,
    /// The last user looked at, where the next page begins; `None`: there is none.
    pub next: Option<UserId>,
}
