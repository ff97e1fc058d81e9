//! Invoices of a month, made of what is written down for it: `write/books.rs` and `write/quota.rs`.

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::domain::invoice::{Held, Invoice, ModelUse, Month, Priced, Requests, lines};
use crate::domain::{Money, Timestamp, TokenUsage, UserId};
use crate::store::StoreError;
use crate::store::ledger::{InvoicePage, InvoiceQuery};
use crate::store::sqlite::rows::{tokens, unsigned};
use crate::store::sqlite::write::books::CLOSED_UNTIL;
use crate::store::sqlite::write::quota::MONTH;

/// A user who may have an invoice.
struct Owing {
    id: UserId,
    name: String,
    /// The first instant that is known of.
    known_since: Timestamp,
}

/// What is the same for all users.
struct Books {
    month: Month,
    until: Timestamp,
    is_closed: bool,
    since: Timestamp,
    prices: Vec<Priced>,
}

/// One moment: the caller's connection is in no transaction, so all is read in one of its own.
pub(super) fn page(connection: &Connection, query: &InvoiceQuery) -> Result<InvoicePage, StoreError> {
    let transaction = connection.unchecked_transaction()?;
    let books = books(&transaction, query)?;
    let users = users(&transaction, query)?;
    let is_full = u32::try_from(users.len()).is_ok_and(|count| count == query.limit);
    let next = users.last().map(|user| user.id).filter(|_| is_full && query.user.is_none());
    let mut invoices = Vec::new();
    for user in users {
        let invoice = invoice(&transaction, &books, user)?;
        if query.user.is_some() || !invoice.is_empty() {
            invoices.push(invoice);
        }
    }
    Ok(InvoicePage { invoices, next })
}

fn books(connection: &Connection, query: &InvoiceQuery) -> Result<Books, StoreError> {
    let setting = |name: &str| -> Result<Timestamp, StoreError> {
        let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0))?)
    };
    let mut statement = connection.prepare_cached("SELECT tier, at, price FROM tier_price ORDER BY at")?;
    let prices = statement.query_map([], |row| {
        Ok(Priced { tier: row.get("tier")?, at: row.get("at")?, price: row.get("price")? })
    })?;
    Ok(Books {
        month: query.month,
        until: query.now.moved(1).min(query.month.to),
        is_closed: query.month.to <= setting(CLOSED_UNTIL)?,
        since: setting("books_since")?,
        prices: prices.collect::<Result<_, _>>()?,
    })
}

fn users(connection: &Connection, query: &InvoiceQuery) -> Result<Vec<Owing>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT id, name, created_at FROM user WHERE id > ?1 AND (?2 IS NULL OR id = ?2) ORDER BY id LIMIT ?3",
    )?;
    let after = query.after.unwrap_or(UserId(i64::MIN));
    let users = statement.query_map(params![after, query.user, query.limit], |row| {
        Ok(Owing { id: row.get(0)?, name: row.get(1)?, known_since: row.get(2)? })
    })?;
    Ok(users.collect::<Result<_, _>>()?)
}

fn invoice(connection: &Connection, books: &Books, user: Owing) -> Result<Invoice, StoreError> {
    let Owing { id, name, known_since } = user;
    let month = books.month;
    let mut statement = connection
        .prepare_cached("SELECT at, tier FROM tier_change WHERE user_id = ?1 AND at < ?2 ORDER BY at")?;
    let held = statement
        .query_map(params![id, month.to], |row| Ok(Held { at: row.get("at")?, tier: row.get("tier")? }))?;
    let held: Vec<Held> = held.collect::<Result<_, _>>()?;
    let (all, cost, cache_hits, saved) = used(connection, id, month)?;
    Ok(Invoice {
        user: id,
        name,
        month,
        is_closed: books.is_closed,
        is_assumed: month.from < books.since && known_since < books.since,
        lines: lines(month, books.until, &held, &books.prices),
        requests: requests(connection, id, month)?,
        models: models(connection, id, month, all, cost)?,
        cache_hits,
        saved,
    })
}

/// Tokens, money, answers from the cache and what these saved: the sums that budgets rest on.
fn used(
    connection: &Connection,
    user: UserId,
    month: Month,
) -> Result<(TokenUsage, Money, u64, Money), StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT input, output, cache_read, cache_write, cost, hits, saved FROM usage_window
         WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
    )?;
    let found = statement.query_row(params![user, MONTH, month.from], |row| {
        Ok((tokens(row)?, row.get("cost")?, unsigned(row, "hits")?, row.get("saved")?))
    });
    Ok(found.optional()?.unwrap_or_default())
}

fn requests(connection: &Connection, user: UserId, month: Month) -> Result<Requests, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT accepted, returned FROM month_requests WHERE user_id = ?1 AND month = ?2")?;
    let found = statement.query_row(params![user, month.from], |row| {
        Ok(Requests { accepted: unsigned(row, "accepted")?, returned: unsigned(row, "returned")? })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// By model; what all have more than these together comes last, without a name.
fn models(
    connection: &Connection,
    user: UserId,
    month: Month,
    all: TokenUsage,
    cost: Money,
) -> Result<Vec<ModelUse>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT model, input, output, cache_read, cache_write, cost FROM month_model
         WHERE user_id = ?1 AND month = ?2 ORDER BY model",
    )?;
    let of_model = |row: &Row<'_>| {
        Ok(ModelUse { model: Some(row.get("model")?), tokens: tokens(row)?, cost: row.get("cost")? })
    };
    let found = statement.query_map(params![user, month.from], of_model)?;
    let mut models: Vec<ModelUse> = found.collect::<Result<_, rusqlite::Error>>()?;
    let known = models.iter().fold(TokenUsage::default(), |mut sum, of| {
        sum += of.tokens;
        sum
    });
    let rest = TokenUsage {
        input: all.input.saturating_sub(known.input),
        output: all.output.saturating_sub(known.output),
        cache_read: all.cache_read.saturating_sub(known.cache_read),
        cache_write: all.cache_write.saturating_sub(known.cache_write),
    };
    let rest_cost = cost - models.iter().map(|of| of.cost).sum();
    if rest != TokenUsage::default() || rest_cost != Money::ZERO {
        models.push(ModelUse { model: None, tokens: rest, cost: rest_cost });
    }
    Ok(models)
}
