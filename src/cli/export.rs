//! `diagramd export usage`: what was used and what it cost, as CSV or JSON for an operator's books.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Map, Value, json};

use super::exit::UsageError;
use super::input::Sources;
use crate::app::{self, Billed, ExportBy, ExportRow, ExportSpan, ExportTotals, Used};
use crate::domain::{Money, Timestamp, TokenUsage};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Write tokens and money by user, day, month or request
    Usage(Usage),
}

#[derive(Args, Debug)]
pub(super) struct Usage {
    /// From here on: a UTC day such as 2026-11-01, or an instant [default: the start of this month]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    from: Option<Timestamp>,
    /// Up to here, which is not in it [default: now]
    #[arg(long, value_name = "TIME", value_parser = instant)]
    to: Option<Timestamp>,
    /// A row for each user, day, month or request
    #[arg(long, value_name = "WHAT", value_enum, default_value_t = By::User, hide_possible_values = true)]
    group_by: By,
    /// csv or json
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Format::Csv, hide_possible_values = true)]
    format: Format,
    /// Write into this file, which is there when it is whole [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    User,
    Day,
    Month,
    Request,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

impl By {
    fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Day => "day",
            Self::Month => "month",
            Self::Request => "request",
        }
    }
}

impl From<By> for ExportBy {
    fn from(by: By) -> Self {
        match by {
            By::User => Self::User,
            By::Day => Self::Day,
            By::Month => Self::Month,
            By::Request => Self::Request,
        }
    }
}

impl Verb {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let Self::Usage(verb) = self;
        verb.run(sources)
    }
}

impl Usage {
    fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let span = ExportSpan::new(self.group_by.into(), self.from, self.to)
            .map_err(|reason| UsageError(reason.to_string()))?;
        let config = sources.load(Vec::new())?.config;
        let write = |out: &mut dyn Write| {
            let mut sheet = Sheet::begin(out, self.format, self.group_by, span)?;
            let totals = app::export(&config, span, &mut |row| sheet.row(&cells(self.group_by, &row)))?;
            sheet.end(&totals)
        };
        match &self.output {
            None => write(&mut BufWriter::new(io::stdout().lock())),
            Some(file) => into_file(file, write),
        }
    }
}

/// An RFC 3339 instant, or a day that stands for its first instant in UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z"))).ok_or_else(|| {
        "expected a day such as 2026-11-01 or an instant such as 2026-11-01T00:00:00Z".to_owned()
    })
}

/// Writes a file that only its owner reads, and that is there only when it is whole.
fn into_file(file: &Path, write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut draft = file.as_os_str().to_owned();
    draft.push(".partial");
    let draft = PathBuf::from(draft);
    let failed = || format!("{} cannot be written", file.display());
    let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft);
    let mut out = BufWriter::new(opened.with_context(failed)?);
    let finish = |out: BufWriter<File>| {
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        std::fs::rename(&draft, file)
    };
    let written = write(&mut out).and_then(|()| finish(out).with_context(failed));
    if written.is_err() {
        // Nothing is left to be taken for an export; that it could not be removed changes nothing.
        let _ = std::fs::remove_file(&draft);
    }
    written
}

/// A value of a column.
enum Cell {
    Text(String),
    /// Nothing.
    Missing,
    Count(u64),
    Flag(bool),
    Money(Money),
    Time(Timestamp),
}

impl Cell {
    fn maybe<T>(value: Option<T>, cell: fn(T) -> Self) -> Self {
        value.map_or(Self::Missing, cell)
    }

    fn csv(&self) -> String {
        match self {
            Self::Text(text) => quoted(&harmless(text)),
            Self::Missing => String::new(),
            Self::Count(count) => count.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::Money(money) => money.to_string(),
            Self::Time(time) => time.to_string(),
        }
    }

    fn json(&self) -> Value {
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

type Cells = Vec<(&'static str, Cell)>;

fn cells(by: By, row: &ExportRow) -> Cells {
    match row {
        ExportRow::Used(used) => used_cells(by, used),
        ExportRow::Billed(billed) => billed_cells(billed),
    }
}

fn used_cells(by: By, used: &Used) -> Cells {
    let mut cells =
        vec![("user", Cell::Text(used.name.clone())), ("tier", Cell::Text(used.tier.to_string()))];
    // `2026-11-01`, or the month of it.
    let day = used.start.to_string();
    match by {
        By::Day => cells.push(("day", Cell::Text(day.chars().take(10).collect()))),
        By::Month => cells.push(("month", Cell::Text(day.chars().take(7).collect()))),
        By::User | By::Request => {}
    }
    cells.extend(token_cells(&used.tokens));
    cells.extend([
        ("costUsd", Cell::Money(used.cost)),
        ("cacheHits", Cell::Count(used.hits)),
        ("savedUsd", Cell::Money(used.saved)),
    ]);
    cells
}

fn billed_cells(billed: &Billed) -> Cells {
    let text = |text: &str| Cell::Text(text.to_owned());
    let mut cells = vec![
        ("requestId", Cell::Text(billed.id.to_string())),
        ("user", text(&billed.user)),
        ("tier", text(billed.tier.name())),
        ("status", text(billed.state.name())),
        ("diagramType", text(billed.diagram_type.name())),
        ("provider", Cell::maybe(billed.provider.clone(), Cell::Text)),
        ("model", Cell::maybe(billed.model.clone(), Cell::Text)),
        ("createdAt", Cell::Time(billed.created_at)),
        ("startedAt", Cell::maybe(billed.started_at, Cell::Time)),
        ("completedAt", Cell::maybe(billed.ended_at, Cell::Time)),
        ("calls", Cell::Count(billed.calls)),
        ("cached", Cell::Flag(billed.cached)),
        ("coalesced", Cell::Flag(billed.coalesced)),
    ];
    cells.extend(token_cells(&billed.tokens));
    cells.extend([
        ("costUsd", Cell::Money(billed.cost)),
        ("savedUsd", Cell::Money(billed.saved)),
        ("estimated", Cell::Flag(billed.estimated)),
    ]);
    cells
}

/// Named as in a request's `usage`.
fn token_cells(tokens: &TokenUsage) -> [(&'static str, Cell); 4] {
    [
        ("inputTokens", Cell::Count(tokens.input)),
        ("outputTokens", Cell::Count(tokens.output)),
        ("cacheReadTokens", Cell::Count(tokens.cache_read)),
        ("cacheWriteTokens", Cell::Count(tokens.cache_write)),
    ]
}

/// The columns of [`cells`], which stand there also when there is no row.
fn columns(by: By) -> Vec<&'static str> {
    const TOKENS: [&str; 4] = ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"];
    let (before, after): (&[&str], &[&str]) = match by {
        By::User => (&["user", "tier"], &["costUsd", "cacheHits", "savedUsd"]),
        By::Day => (&["user", "tier", "day"], &["costUsd", "cacheHits", "savedUsd"]),
        By::Month => (&["user", "tier", "month"], &["costUsd", "cacheHits", "savedUsd"]),
        By::Request => (
            &[
                "requestId",
                "user",
                "tier",
                "status",
                "diagramType",
                "provider",
                "model",
                "createdAt",
                "startedAt",
                "completedAt",
                "calls",
                "cached",
                "coalesced",
            ],
            &["costUsd", "savedUsd", "estimated"],
        ),
    };
    [before, &TOKENS, after].concat()
}

/// An export while it is written: never more of it in memory than a row.
struct Sheet<'a> {
    out: &'a mut dyn Write,
    format: Format,
    rows: u64,
}

impl<'a> Sheet<'a> {
    fn begin(out: &'a mut dyn Write, format: Format, by: By, span: ExportSpan) -> anyhow::Result<Self> {
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

    fn row(&mut self, cells: &Cells) -> anyhow::Result<()> {
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
    fn end(self, totals: &ExportTotals) -> anyhow::Result<()> {
        match self.format {
            Format::Json => {
                let mut sums = Map::from_iter([("rows".to_owned(), json!(totals.rows))]);
                let tokens = token_cells(&totals.tokens);
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

    #[test]
    fn times_are_days_or_instants() {
        assert_eq!(instant("2026-11-01"), instant("2026-11-01T00:00:00Z"));
        assert!(instant("2026-11-01T02:00:00+02:00") == instant("2026-11-01"));
        for bad in ["", "2026-13-01", "yesterday", "2026-11-01T00:00:00"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }
}
