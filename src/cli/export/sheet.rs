//! An export while it is written: as CSV that no spreadsheet takes for formulas, or as JSON.

use std::io::Write;

use serde_json::{Map, Value, json};

use super::By;
use super::cells::columns;
use crate::app::{ExportSpan, ExportTotals};
use crate::cli::sink::Format;
use crate::domain::cell::{self, Cells};

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
            self.out.write_all(cell::csv_line(cells).as_bytes())?;
        } else {
            let comma = if self.rows == 0 { "" } else { "," };
            write!(self.out, "{comma}\n{}", cell::json_object(cells))?;
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
                let tokens = cell::tokens(&totals.tokens);
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
