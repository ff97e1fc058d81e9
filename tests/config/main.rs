//! What an operator meets: the configuration, the command line and its messages, signals.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod alerts;
mod binary;
mod dev;
mod example;
mod exit;
mod faults;
mod help;
mod layering;
mod odd_values;
mod plans;
mod problems;
mod reload;
mod secrets;
mod serving;
mod show;
mod stopping;
mod templates;
mod unknown;
mod unwell;
#[path = "../it/upstream/mod.rs"]
mod upstream;
