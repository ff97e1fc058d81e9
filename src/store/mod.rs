//! The store: what is on disk. Two interfaces that a second backend can implement: [`Commands`],
//! intent-named writes that run inside one transaction, and [`Reads`], intent-named reads.
//!
//! Called by the queue (writes) and by http (reads). All SQL lives under a backend
//! (`store/sqlite/`); no SQL type leaves it.

pub mod alerts;
pub mod commands;
pub mod error;
pub mod inspection;
pub mod ledger;
pub mod people;
pub mod reader;
pub mod reads;
pub mod retention;
pub mod sqlite;
pub mod webhooks;
pub mod writer;

pub use commands::Commands;
pub use error::StoreError;
pub use reader::Reader;
pub use reads::Reads;
pub use writer::{BatchDone, Priority, Writer, WriterBacklog};
