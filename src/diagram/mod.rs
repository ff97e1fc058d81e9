//! Prompts and answers: what the model is told, and the source taken out of what it says.
//!
//! Pure text work for the worker; it makes no call and reads no file.

pub mod check;
pub mod dot;
pub mod extract;
pub mod headers;
pub mod kind;
mod kind_choice;
pub mod mend;
pub mod prompt;
pub mod repair;
pub mod stream;
pub mod template;
