//! The scheduler: which job goes next, on which lane, and when.
//!
//! [`core`] is a pure function of (state, event, now); [`thread`] is its clock and its channels.
//! The queue feeds it committed changes and carries out its decisions; it never touches the
//! store, an upstream or HTTP.

pub mod core;
pub mod replay;
pub mod thread;
mod watch;

pub use thread::{Claims, Scheduler};
