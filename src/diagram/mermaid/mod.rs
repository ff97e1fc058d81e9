//! Mermaid's own parser, in this process: its verdicts are what a browser would say.
//!
//! The parser is JavaScript and runs in contexts of its own, each on a thread of its own, made
//! when there is work and gone after a rest. No source can cost more than its deadline and its
//! memory, and none is run: a context has no way to anything outside.

mod engine;
mod hints;
pub mod kind;
mod pool;
mod queue;
mod raw;
mod thread;
mod tokens;
mod words;

pub use engine::{Broken, Engine};
pub use pool::{Parsers, Settings};
pub use raw::{Fault, Raw, Sort};
