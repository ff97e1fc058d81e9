//! An invoice as JSON and as rows of CSV: for its user, and for the operator, who also sees what the
//! models cost.
//!
//! In a table each figure stands in one row, so that a column's sum is the invoice's: a row for each
//! line, one for the requests, one for each model.

use serde_json::{Map, Value, json};

use crate::domain::TokenUsage;
use crate::domain::cell::{Cell, Cells, json_object, tokens};

use super::{Invoice, ModelUse};

/// Who looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    /// Who owes it: nothing of what the operator pays and keeps.
    User,
    /// The operator.
    Operator,
}

/// Columns in which only the operator sees something.
const OF_OPERATOR: [&str; 2] = ["savedUsd", "costUsd"];

/// The columns of [`Invoice::rows`], which stand there also when there is no row.
pub fn columns(view: View) -> Vec<&'static str> {
    let all = [
        "number",
        "month",
        "status",
        "user",
        "item",
        "name",
        "days",
        "daysOfMonth",
        "priceUsdMonth",
        "amountUsd",
        "accepted",
        "returned",
        "cacheHits",
        "inputTokens",
        "outputTokens",
        "cacheReadTokens",
        "cacheWriteTokens",
        "savedUsd",
        "costUsd",
    ];
    all.into_iter().filter(|name| view == View::Operator || !OF_OPERATOR.contains(name)).collect()
}

impl Invoice {
    /// As JSON.
    pub fn json(&self, view: View) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                json!({
                    "tier": line.tier,
                    "priceUsdMonth": line.price,
                    "days": line.days,
                    "daysOfMonth": line.days_of_month,
                    "amountUsd": line.amount,
                })
            })
            .collect();
        let mut invoice = json!({
            "number": self.number(),
            "user": self.name,
            "month": self.month.name(),
            "from": self.month.from,
            "to": self.month.to,
            "status": self.status(),
            "assumed": self.is_assumed,
            "currency": "USD",
            "lines": lines,
            "totalUsd": self.total(),
            "requests": { "accepted": self.requests.accepted, "returned": self.requests.returned },
            "tokens": json_object(&tokens(&self.tokens()).into()),
            "models": self.models.iter().map(|of| model(of, view)).collect::<Vec<_>>(),
            "cache": { "hits": self.cache_hits },
        });
        if view == View::Operator {
            invoice["cache"]["savedUsd"] = json!(self.saved);
            invoice["costUsd"] = json!(self.cost());
            invoice["marginUsd"] = json!(self.margin());
        }
        invoice
    }

    /// As rows of a table with these [`columns`].
    pub fn rows(&self, view: View) -> Vec<Cells> {
        let lines = self.lines.iter().map(|line| {
            let cells = vec![
                ("days", Cell::Count(line.days.into())),
                ("daysOfMonth", Cell::Count(line.days_of_month.into())),
                ("priceUsdMonth", Cell::maybe(line.price, Cell::Money)),
                ("amountUsd", Cell::Money(line.amount)),
            ];
            self.row(view, "tier", Cell::Text(line.tier.to_string()), cells)
        });
        let requests = vec![
            ("accepted", Cell::Count(self.requests.accepted)),
            ("returned", Cell::Count(self.requests.returned)),
            ("cacheHits", Cell::Count(self.cache_hits)),
            ("savedUsd", Cell::Money(self.saved)),
        ];
        let requests = self.row(view, "requests", Cell::Missing, requests);
        let models = self.models.iter().map(|of| {
            let cells = tokens(&of.tokens).into_iter().chain([("costUsd", Cell::Money(of.cost))]).collect();
            self.row(view, "model", Cell::maybe(of.model.clone(), Cell::Text), cells)
        });
        lines.chain([requests]).chain(models).collect()
    }

    fn row(&self, view: View, item: &str, name: Cell, cells: Cells) -> Cells {
        let text = |text: &str| Cell::Text(text.to_owned());
        let mut known: Cells = vec![
            ("number", Cell::Text(self.number())),
            ("month", Cell::Text(self.month.name())),
            ("status", text(self.status())),
            ("user", text(&self.name)),
            ("item", text(item)),
            ("name", name),
        ];
        known.extend(cells);
        let mut cell = |column: &str| {
            known.iter().position(|(name, _)| *name == column).map(|place| known.swap_remove(place).1)
        };
        columns(view).into_iter().map(|column| (column, cell(column).unwrap_or(Cell::Missing))).collect()
    }

    fn status(&self) -> &'static str {
        if self.is_closed { "closed" } else { "open" }
    }
}

fn model(of: &ModelUse, view: View) -> Value {
    let named = Map::from_iter([("model".to_owned(), json!(of.model))]);
    let tokens: &TokenUsage = &of.tokens;
    let counted = json_object(&self::tokens(tokens).into());
    let mut object = named;
    object.extend(counted.as_object().cloned().unwrap_or_default());
    if view == View::Operator {
        object.insert("costUsd".to_owned(), json!(of.cost));
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::invoice::{Line, Month, Requests};
    use crate::domain::{Money, Tier, UserId};

    fn invoice() -> Invoice {
        let used = |model: Option<&str>, cost| ModelUse {
            model: model.map(str::to_owned),
            tokens: TokenUsage { input: 10, output: 20, cache_read: 3, cache_write: 4 },
            cost: Money(cost),
        };
        Invoice {
            user: UserId(7),
            name: "=ann".to_owned(),
            month: Month::parse("2026-10").unwrap(),
            is_closed: true,
            is_assumed: false,
            lines: vec![Line {
                tier: Tier::Pro,
                price: Some(Money(29_000_000_000)),
                days: 31,
                days_of_month: 31,
                amount: Money(29_000_000_000),
            }],
            requests: Requests { accepted: 5, returned: 1 },
            models: vec![used(None, 1), used(Some("m"), 2_000_000_000)],
            cache_hits: 2,
            saved: Money(9),
        }
    }

    #[test]
    fn the_sums_are_of_the_parts() {
        let json = invoice().json(View::Operator);
        assert_eq!(json["number"], "2026-10-7");
        assert_eq!((&json["totalUsd"], &json["costUsd"]), (&json!("29.000000000"), &json!("2.000000001")));
        assert_eq!(json["marginUsd"], "26.999999999");
        assert_eq!(
            json["tokens"],
            json!({ "inputTokens": 20, "outputTokens": 40, "cacheReadTokens": 6, "cacheWriteTokens": 8 })
        );
    }

    #[test]
    fn a_user_sees_nothing_of_what_the_operator_pays_and_keeps() {
        let shown = invoice().json(View::User).to_string();
        let table: Vec<String> =
            invoice().rows(View::User).iter().map(crate::domain::cell::csv_line).collect();
        for word in ["costUsd", "savedUsd", "marginUsd", "2.000000000", "26.99"] {
            assert!(!shown.contains(word) && !table.concat().contains(word), "{word}: {shown} {table:?}");
            assert!(!columns(View::User).contains(&word));
        }
    }

    #[test]
    fn a_table_has_each_figure_once_and_every_row_the_columns_of_its_header() {
        for view in [View::User, View::Operator] {
            for row in invoice().rows(view) {
                assert_eq!(row.iter().map(|(name, _)| *name).collect::<Vec<_>>(), columns(view));
            }
        }
        let rows = invoice().rows(View::Operator);
        let sum = |column: &str| {
            let cells = rows.iter().flatten().filter(|(name, _)| *name == column);
            cells.fold((0, 0), |(count, money), (_, cell)| match cell {
                Cell::Count(more) => (count + more, money),
                Cell::Money(more) => (count, money + more.0),
                _ => (count, money),
            })
        };
        assert_eq!(sum("amountUsd").1, 29_000_000_000);
        assert_eq!(sum("costUsd").1, invoice().cost().0);
        assert_eq!((sum("accepted").0, sum("cacheHits").0, sum("outputTokens").0), (5, 2, 40));
        assert!(rows.iter().all(|row| crate::domain::cell::csv_line(row).contains(",'=ann,")));
    }
}
