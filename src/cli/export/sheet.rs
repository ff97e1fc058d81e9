//! An export while it is written: as CSV that no spreadsheet takes for formulas, or as JSON.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::cells::{self, Cells, columns};
use super::{By, Format};
use crate::app::{ExportSpan, ExportTotals};
use crate::domain::{Money, Timestamp};

/// A value of a column.
pub(super) enum Cell {
    Text(String),
    Missing,
    Count(u64),
    Flag(bool),
    Money(Money),
    Time(Timestamp),
}

impl Cell {
    pub(super) fn maybe<T>(value: Option<T>, cell: fn(T) -> Self) -> Self {
        value.map_or(Self::Missing, cell)
    }

    pub(super) fn csv(&self) -> String {
        match self {
            Self::Text(text) => quoted(&harmless(text)),
            Self::Missing => String::new(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Money(money) => money.to_string(),
            Self::Time(time) => time.to_string(),
        }
    }

    pub(super) fn json(&self) -> Value {
        match self {
            Self::Text(text) => json!(text),
            Self::Missing => Value::Null,
            Self::Count(count) => json!(count),
            Self::Flag(flag) => json!(flag),
            Self::Money(money) => json!(money),
            Self::Time(time) => json!(time),
        }
    }
}

/// Never more of it in memory than a row.
pub(super) struct Sheet<'a> {
    out: &'a mut dyn Write,
    format: Format,
    rows: u64,
}

impl<'a> Sheet<'a> {
    pub(super) fn begin(
        out: &'a mut dyn Write,
        format: Format,
        by: By,
        span: ExportSpan,
    ) -> anyhow::Result<Self> {
        match format {
            Format::Csv => write!(out, "{}\r\n", columns(by).join(","))?,
            Format::Json => {
                let (from, to) = (json!(span.from), json!(span.to));
                write!(
                    out,
                    "{{\n\"from\": {from},\n\"to\": {to},\n\"groupBy\": \"{}\",\n\"rows\": [",
                    by.name()
                )?;
            }
        }
        Ok(Self { out, format, rows: 0 })
    }

    pub(super) fn row(&mut self, cells: &Cells) -> anyhow::Result<()> {
        if self.format == Format::Csv {
            // Lines end as RFC 4180 has it.
            let line: Vec<String> = cells.iter().map(|(_, cell)| cell.csv()).collect();
            write!(self.out, "{}\r\n", line.join(","))?;
        } else {
            let object: Map<String, Value> =
                cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.json())).collect();
            let comma = if self.rows == 0 { "" } else { "," };
            write!(self.out, "{comma}\n{}", Value::Object(object))?;
        }
        self.rows += 1;
        Ok(())
    }

    /// The sums end a JSON document; a table of rows has none, for whoever adds it up would count
    /// all of it twice.
    pub(super) fn end(self, totals: &ExportTotals) -> anyhow::Result<()> {
        match self.format {
            Format::Json => {
                let mut sums = Map::from_iter([("rows".to_owned(), json!(totals.rows))]);
                let tokens = cells::tokens(&totals.tokens);
                sums.extend(tokens.iter().map(|(name, cell)| ((*name).to_owned(), cell.json())));
                sums.insert("costUsd".to_owned(), json!(totals.cost));
                sums.insert("savedUsd".to_owned(), json!(totals.saved));
                write!(self.out, "\n],\n\"totals\": {}\n}}\n", Value::Object(sums))?;
            }
            Format::Csv => {}
        }
        Ok(self.out.flush()?)
    }
}

/// A text that a spreadsheet would take for a formula, made one that it does not.
fn harmless(text: &str) -> String {
    let begins =
        |c: char| matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '\n' | '＝' | '＋' | '－' | '＠');
    if text.starts_with(begins) { format!("'{text}") } else { text.to_owned() }
}

fn quoted(text: &str) -> String {
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_name_is_no_formula_and_no_further_column() {
        for (name, cell) in [
            ("ann", "ann"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-1+1", "'-1+1"),
            ("＝1", "'＝1"),
            ("a,b", "\"a,b\""),
            ("a\nb", "\"a\nb\""),
        ] {
            assert_eq!(Cell::Text(name.to_owned()).csv(), cell);
        }
    }
}
