//! `diagramd export usage`: what was used and what it cost, as CSV or JSON for an operator's books.

use clap::{Args, Subcommand, ValueEnum};

use super::exit::UsageError;
use super::input::Sources;
use super::sink::{Format, Sink};
use crate::app::{self, ExportBy, ExportSpan};
use crate::domain::Timestamp;

mod cells;
mod sheet;

use sheet::Sheet;

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
    #[command(flatten)]
    sink: Sink,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum By {
    User,
    Day,
    Month,
    Request,
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
        self.sink.write(|out| {
            let mut sheet = Sheet::begin(out, self.format, self.group_by, span)?;
            let totals = app::export(&config, span, &mut |row| sheet.row(&cells::of(self.group_by, &row)))?;
            sheet.end(&totals)
        })
    }
}

/// An RFC 3339 instant, or a day that stands for its first instant in UTC.
fn instant(text: &str) -> Result<Timestamp, String> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z"))).ok_or_else(|| {
        "expected a day such as 2026-11-01 or an instant such as 2026-11-01T00:00:00Z".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_days_or_instants() {
        assert_eq!(instant("2026-11-01"), instant("2026-11-01T00:00:00Z"));
        assert!(instant("2026-11-01T02:00:00+02:00") == instant("2026-11-01"));
        for bad in ["", "2026-13-01", "yesterday", "2026-11-01T00:00:00"] {
            assert!(instant(bad).is_err(), "{bad}");
        }
    }
}
