//! Builds all parts, starts them in order, and stops them in order.
//!
//! The only room that knows every other; the command line calls it.

mod data_dir;
mod dev;
mod engine;
mod generate;
mod housekeeping;
mod links;
mod pictures;
mod program;
mod reload;
mod serve;
mod service;
mod shelf;
mod signals;
mod templates;
mod validate;
mod webhooks;
mod wiring;

pub use engine::{BacklogUse, Engine, open_accounts};
pub use generate::{Cancelled, Generated, generate_in_process};
pub use links::{link_url, server_url};
pub use pictures::{
    DrawRequest, Format, Theme, Undrawn, WIDTH_MAX, WIDTH_MIN, check_render, draw_in_process,
};
pub use program::check_for_parent;
pub use serve::{ServeOptions, serve};
pub use shelf::{Shelf, shelf};
pub use validate::{Report, Verdict, validate_in_process};
