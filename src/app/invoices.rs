//! Invoices for the operator's books, read from the database beside a running server.

use anyhow::Context;

use crate::config::Config;
use crate::domain::invoice::{Invoice, Month, Requests};
use crate::domain::{Money, TokenUsage};
use crate::store::ledger::InvoiceQuery;
use crate::store::sqlite;

use super::data_dir;
use super::engine::{database_path, now};

/// Users read at once: no more of their invoices are in memory.
const PAGE: u32 = 500;

/// The sums over all invoices.
#[derive(Clone, Copy, Debug, Default)]
pub struct InvoiceTotals {
    /// Invoices.
    pub invoices: u64,
    /// What all users owe.
    pub total: Money,
    /// Requests.
    pub requests: Requests,
    /// Tokens.
    pub tokens: TokenUsage,
    /// Answers from the cache.
    pub cache_hits: u64,
    /// What these would have cost.
    pub saved: Money,
    /// What the upstreams ask.
    pub cost: Money,
}

/// The last month that is over.
pub fn last_month() -> Month {
    Month::of(now()).before()
}

/// Hands over each invoice of a month in turn, or that of one user, and returns their sums. Nothing is
/// written, and at no time is a transaction open while one is handed over.
///
/// # Errors
/// When the database is not there or not of this version, there is no such user, a read fails, or
/// `hand_over` does.
pub fn invoices(
    config: &Config,
    month: Month,
    user: Option<&str>,
    hand_over: &mut dyn FnMut(Invoice) -> anyhow::Result<()>,
) -> anyhow::Result<InvoiceTotals> {
    let database = database_path(config);
    data_dir::check_owner(&database)?;
    let reader = sqlite::open_for_reading(&database)?;
    let reads = reader.blocking();
    let user = match user {
        Some(name) => Some(reads.user(name)?.with_context(|| format!("there is no user {name:?}"))?.id),
        None => None,
    };
    let mut totals = InvoiceTotals::default();
    let mut query = InvoiceQuery { month, user, after: None, limit: PAGE, now: now() };
    loop {
        let page = reads.invoices(&query)?;
        for invoice in page.invoices {
            totals.add(&invoice);
            hand_over(invoice)?;
        }
        query.after = page.next;
        if page.next.is_none() {
            return Ok(totals);
        }
    }
}

impl InvoiceTotals {
    fn add(&mut self, invoice: &Invoice) {
        self.invoices += 1;
        self.total += invoice.total();
        self.requests.accepted += invoice.requests.accepted;
        self.requests.returned += invoice.requests.returned;
        self.tokens += invoice.tokens();
        self.cache_hits += invoice.cache_hits;
        self.saved += invoice.saved;
        self.cost += invoice.cost();
    }
}
