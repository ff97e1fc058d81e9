//! Prompts and answers: what the model is told, and the source taken out of what it says.
//!
//! Text work for the worker and for whoever asks about a source; it makes no call and reads no
//! file. Parsers that are not Rust run on threads of their own, never on the caller's.

pub mod check;
pub mod checkers;
pub mod dot;
pub mod extract;
mod fences;
pub mod headers;
pub mod kind;
mod kind_choice;
pub mod mend;
#[cfg(feature = "validate")]
pub mod mermaid;
pub mod prompt;
pub mod repair;
pub mod stream;
pub mod template;
mod titles;
