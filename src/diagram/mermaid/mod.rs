//! Mermaid's own parser: its verdicts are what a browser would say.
//!
//! The parser is JavaScript and runs in processes of its own ([`process`] from inside, [`child`]
//! from outside), each the child of a thread, made when there is work and gone after a rest. No
//! source can cost more than its deadline and its memory, whatever it does to its process costs
//! nobody else, and none is run: a context has no way to anything outside.

mod child;
mod dates;
mod engine;
mod frame;
mod hints;
pub mod kind;
mod pool;
mod process;
mod queue;
mod raw;
mod thread;
mod tokens;
mod words;

pub use child::{Checked, Child, VERB};
pub use engine::{Broken, Engine};
pub use pool::{Parsers, Settings};
pub use process::run as run_process;
pub use raw::{Fault, Raw, Sort};
