//! What the routes are about, one file a resource: parse, call, render.

pub mod alerts;
pub mod client_script;
pub mod control;
pub mod development;
pub mod docs;
pub mod generate;
pub mod inspection;
pub mod invoices;
pub mod keys;
pub mod metrics;
pub mod openapi;
#[cfg(feature = "pages")]
mod page_fonts;
pub mod pages;
pub mod pictures;
pub mod queue_status;
pub mod request;
pub mod requests;
pub mod session;
pub mod stats;
pub mod templates;
pub mod timeline;
pub mod tokens;
pub mod usage;
pub mod users;
pub mod validate;
pub mod webhooks;
