//! Builds all parts, starts them in order, and stops them in order.
//!
//! The only room that knows every other; the command line calls it.

mod alerting;
mod data_dir;
mod dev;
mod engine;
mod export;
mod figures;
mod generate;
mod housekeeping;
mod invoices;
mod keep;
mod links;
mod pictures;
mod plan;
mod program;
mod reload;
mod serve;
mod service;
mod shelf;
mod signals;
mod templates;
mod traces;
mod validate;
mod webhooks;
mod wiring;

pub use crate::store::sqlite::Restoring;
pub use engine::{BacklogUse, Engine, open_accounts};
pub use export::{BadSpan, Billed, ExportBy, ExportRow, ExportSpan, ExportTotals, Used, UsedBy, export};
pub use generate::{Cancelled, Generated, generate_in_process};
pub use invoices::{InvoiceTotals, invoices, last_month};
pub use keep::{
    Backup, Contents, Progress, Requests, Restored, Stopped, backup, check_backup, restore_backup,
};
pub use links::{link_url, server_url};
pub use pictures::{
    DrawRequest, Format, Theme, Undrawn, WIDTH_MAX, WIDTH_MIN, check_render, draw_in_process,
};
pub use plan::{PlanAnswer, PlanQuestion, Waits, WaitsByTier, plan};
pub use program::check_for_parent;
pub use serve::{ServeOptions, serve};
pub use shelf::{Shelf, shelf};
pub use validate::{Report, Verdict, validate_in_process};
