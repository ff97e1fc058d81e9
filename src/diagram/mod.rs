//! Prompts and answers: what the model is told, and the source taken out of what it says.
//!
//! Text work for the worker and for whoever asks about a source; it makes no call and reads no
//! file but fonts. Parsers that are not Rust, and whatever draws, run on threads of their own or
//! in a program of their own, never on the caller's thread.

pub mod check;
pub mod checkers;
pub mod dot;
pub mod draw;
pub mod drawn;
pub mod explained;
pub mod extract;
mod fences;
pub mod headers;
pub mod kind;
mod kind_choice;
pub mod mend;
#[cfg(feature = "validate")]
pub mod mermaid;
pub mod picture;
pub mod prompt;
pub mod repair;
#[cfg(any(feature = "validate", feature = "render"))]
mod size;
pub mod stream;
pub mod template;
mod titles;
