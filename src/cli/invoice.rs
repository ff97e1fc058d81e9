//! `diagramd invoice`: what users owe for a month, and what they cost the operator.

use std::io::Write;

use clap::Args;
use serde_json::{Value, json};

use super::input::Sources;
use super::sink::{Format, Sink};
use crate::app::{self, InvoiceTotals};
use crate::domain::cell::{csv_line, json_object, tokens};
use crate::domain::invoice::{Invoice as Made, Month, View, columns};

#[derive(Args, Debug)]
pub(super) struct Invoice {
    /// The UTC month, such as 2026-10 [default: the last one that is over]
    #[arg(long, value_name = "MONTH", value_parser = month)]
    month: Option<Month>,
    /// Of this user only [default: of everybody who owes or used something]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// As its user sees it: without what the models cost and what is left for you
    #[arg(long)]
    customer: bool,
    /// json or csv
    #[arg(short, long, value_name = "FORMAT", value_enum, default_value_t = Format::Json, hide_possible_values = true)]
    format: Format,
    #[command(flatten)]
    sink: Sink,
}

impl Invoice {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let config = sources.load(Vec::new())?.config;
        let month = self.month.unwrap_or_else(app::last_month);
        let view = if self.customer { View::User } else { View::Operator };
        self.sink.write(|out| {
            let mut book = Book { out, format: self.format, view, written: 0 };
            book.begin(month)?;
            let totals =
                app::invoices(&config, month, self.user.as_deref(), &mut |invoice| book.invoice(&invoice))?;
            book.end(&totals)
        })
    }
}

fn month(text: &str) -> Result<Month, String> {
    Month::parse(text).ok_or_else(|| "expected a month such as 2026-10".to_owned())
}

/// Invoices while they are written: never more of them in memory than one.
struct Book<'a> {
    out: &'a mut dyn Write,
    format: Format,
    view: View,
    written: u64,
}

impl Book<'_> {
    fn begin(&mut self, month: Month) -> anyhow::Result<()> {
        match self.format {
            Format::Csv => write!(self.out, "{}\r\n", columns(self.view).join(","))?,
            Format::Json => write!(self.out, "{{\n\"month\": \"{}\",\n\"invoices\": [", month.name())?,
        }
        Ok(())
    }

    fn invoice(&mut self, invoice: &Made) -> anyhow::Result<()> {
        match self.format {
            Format::Csv => {
                for row in invoice.rows(self.view) {
                    self.out.write_all(csv_line(&row).as_bytes())?;
                }
            }
            Format::Json => {
                let comma = if self.written == 0 { "" } else { "," };
                write!(self.out, "{comma}\n{}", invoice.json(self.view))?;
            }
        }
        self.written += 1;
        Ok(())
    }

    /// The sums end a JSON document; a table has none, for whoever adds it up would count all twice.
    fn end(&mut self, totals: &InvoiceTotals) -> anyhow::Result<()> {
        if self.format == Format::Json {
            write!(self.out, "\n],\n\"totals\": {}\n}}\n", sums(totals, self.view))?;
        }
        Ok(())
    }
}

fn sums(totals: &InvoiceTotals, view: View) -> Value {
    let mut sums = json!({
        "invoices": totals.invoices,
        "totalUsd": totals.total,
        "requests": { "accepted": totals.requests.accepted, "returned": totals.requests.returned },
        "tokens": json_object(&tokens(&totals.tokens).into()),
        "cache": { "hits": totals.cache_hits },
    });
    if view == View::Operator {
        sums["cache"]["savedUsd"] = json!(totals.saved);
        sums["costUsd"] = json!(totals.cost);
        sums["marginUsd"] = json!(totals.total - totals.cost);
    }
    sums
}
