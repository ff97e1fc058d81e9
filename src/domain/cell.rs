//! Cells of a table: as CSV (RFC 4180) that no spreadsheet takes for formulas, and as JSON.

use serde_json::{Map, Value, json};

use super::{Money, Timestamp, TokenUsage};

/// A row: its columns' names and values.
pub type Cells = Vec<(&'static str, Cell)>;

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// A text.
    Text(String),
    /// Nothing.
    Missing,
    /// A number.
    Count(u64),
    /// Yes or no.
    Flag(bool),
    /// Dollars.
    Money(Money),
    /// An instant.
    Time(Timestamp),
}

impl Cell {
    /// A value, or nothing.
    pub fn maybe<T>(value: Option<T>, cell: fn(T) -> Self) -> Self {
        value.map_or(Self::Missing, cell)
    }

    /// As a field of CSV.
    pub fn csv(&self) -> String {
        match self {
            Self::Text(text) => quoted(&harmless(text)),
            Self::Missing => String::new(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Money(money) => money.to_string(),
            Self::Time(time) => time.to_string(),
        }
    }

    /// As a value of JSON.
    pub fn json(&self) -> Value {
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

/// A line of CSV, with its end.
pub fn csv_line(cells: &Cells) -> String {
    let line: Vec<String> = cells.iter().map(|(_, cell)| cell.csv()).collect();
    format!("{}\r\n", line.join(","))
}

/// An object of JSON.
pub fn json_object(cells: &Cells) -> Value {
    Value::Object(cells.iter().map(|(name, cell)| ((*name).to_owned(), cell.json())).collect::<Map<_, _>>())
}

/// Tokens, named as in a request's `usage`.
pub fn tokens(tokens: &TokenUsage) -> [(&'static str, Cell); 4] {
    [
        ("inputTokens", Cell::Count(tokens.input)),
        ("outputTokens", Cell::Count(tokens.output)),
        ("cacheReadTokens", Cell::Count(tokens.cache_read)),
        ("cacheWriteTokens", Cell::Count(tokens.cache_write)),
    ]
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
