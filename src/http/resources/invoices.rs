//! `GET /api/admin/invoices` and `GET /api/diagram/usage/invoice`: what users owe for a month.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_TYPE, HeaderMap, HeaderValue, LINK};
use serde_json::{Value, json};

use crate::accounts::Caller;
use crate::domain::cell::csv_line;
use crate::domain::invoice::{Invoice, Month, View, columns};
use crate::domain::user::valid_user_name;
use crate::domain::{Timestamp, UserId};
use crate::http::api::Api;
use crate::http::problem::Problem;
use crate::http::query::{Parameters, Query};
use crate::http::respond::{self, Answer};
use crate::store::ledger::InvoiceQuery;

/// Users of a page unless the caller says otherwise, and at most.
const LIMIT: u32 = 200;
const LIMIT_MAX: u32 = 1000;
const CSV: HeaderValue = HeaderValue::from_static("text/csv; charset=utf-8; header=present");

/// As what an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Json,
    Csv,
}

/// The operator's view of everybody's invoices, or of one user's.
///
/// # Errors
/// 404 for an unknown user, 422 for a parameter that cannot be read.
pub async fn list(api: &Arc<Api>, query: &Query<'_>, headers: &HeaderMap) -> Answer {
    let now = (api.clock)();
    let (month, format, limit, after, name) = query.read(|query| {
        let (month, format) = asked(query, headers, now);
        let name = query
            .parsed("user", "Must be a user's name.", |name| valid_user_name(name).then(|| name.to_owned()));
        let after = query.cursor(|text| text.parse().ok().map(UserId));
        (month, format, query.limit(LIMIT, LIMIT_MAX), after, name)
    })?;
    let found = api.reader.read(move |reads| {
        let user = match name {
            Some(name) => match reads.user(&name)? {
                Some(user) => Some(user.id),
                None => return Ok(None),
            },
            None => None,
        };
        reads.invoices(&InvoiceQuery { month, user, after, limit, now }).map(Some)
    });
    let page = found.await?.ok_or_else(|| Problem::not_found("There is no such user."))?;
    let next = page.next.map(|user| user.0.to_string());
    if format == Format::Csv {
        let mut response = table(&page.invoices, View::Operator, &format!("invoices-{}.csv", month.name()));
        if let (Ok(response), Some(next)) = (&mut response, &next) {
            let link = format!(
                "</api/admin/invoices?month={}&format=csv&limit={limit}&cursor={next}>; rel=\"next\"",
                month.name()
            );
            respond::set(response.headers_mut(), LINK, &link);
        }
        return response;
    }
    let invoices: Vec<Value> = page.invoices.iter().map(|invoice| invoice.json(View::Operator)).collect();
    let body = json!({ "month": month.name(), "invoices": invoices, "next": next });
    respond::json(StatusCode::OK, &body)
}

/// The caller's own, without anything of what the operator pays and keeps.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn own(api: &Arc<Api>, caller: &Caller, query: &Query<'_>, headers: &HeaderMap) -> Answer {
    let (now, user) = ((api.clock)(), caller.user);
    let (month, format) = query.read(|query| asked(query, headers, now))?;
    let query = InvoiceQuery { month, user: Some(user), after: None, limit: 1, now };
    let page = api.reader.read(move |reads| reads.invoices(&query)).await?;
    let invoice = page.invoices.first().ok_or_else(|| Problem::not_found("There is no such user."))?;
    match format {
        Format::Csv => {
            table(std::slice::from_ref(invoice), View::User, &format!("invoice-{}.csv", month.name()))
        }
        Format::Json => respond::json(StatusCode::OK, &invoice.json(View::User)),
    }
}

/// The month, which is the last one that is over unless it is given, and the format.
fn asked(query: &mut Parameters<'_>, headers: &HeaderMap, now: Timestamp) -> (Month, Format) {
    let present = Month::of(now);
    let month = query.parsed("month", "Must be a UTC month such as 2026-10, and have begun.", |text| {
        Month::parse(text).filter(|month| month.from <= present.from)
    });
    let format = query.parsed("format", "Must be json or csv.", |text| match text {
        "json" => Some(Format::Json),
        "csv" => Some(Format::Csv),
        _ => None,
    });
    (month.unwrap_or_else(|| present.before()), format.unwrap_or_else(|| accepted(headers)))
}

/// CSV for who accepts that and no JSON.
fn accepted(headers: &HeaderMap) -> Format {
    let lines = headers.get_all(ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let ranges: Vec<&str> = lines
        .flat_map(|line| line.split(','))
        .map(|range| range.split(';').next().unwrap_or_default().trim())
        .collect();
    let takes = |wanted: &str| ranges.iter().any(|range| range.eq_ignore_ascii_case(wanted));
    if takes("text/csv") && !takes("application/json") { Format::Csv } else { Format::Json }
}

fn table(invoices: &[Invoice], view: View, name: &str) -> Answer {
    let mut text = format!("{}\r\n", columns(view).join(","));
    for row in invoices.iter().flat_map(|invoice| invoice.rows(view)) {
        text.push_str(&csv_line(&row));
    }
    let mut response = respond::bytes(text.into(), HeaderValue::from_static("no-store"));
    response.headers_mut().insert(CONTENT_TYPE, CSV);
    respond::set(response.headers_mut(), CONTENT_DISPOSITION, &format!("attachment; filename=\"{name}\""));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_for_who_asks_for_one() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, accept.parse().unwrap());
            accepted(&headers)
        };
        assert_eq!(of("text/csv"), Format::Csv);
        assert_eq!(of("text/html, TEXT/CSV;q=0.9, */*;q=0.1"), Format::Csv);
        for other in ["*/*", "application/json, text/csv", "text/*", ""] {
            assert_eq!(of(other), Format::Json, "{other}");
        }
    }
}
