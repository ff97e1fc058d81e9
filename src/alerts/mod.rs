//! Alerts: looks every second at what may trouble the operator, and tells each trouble once.
//!
//! `conditions` says what is the matter now, `core` what of it is news; both are pure. `watcher` looks,
//! keeps what it finds in the store, and tells log and dashboard; `outbox` carries it to the
//! operator's webhook and mailbox, again and again until it is taken. It changes no job.

pub mod conditions;
pub mod core;
pub mod email;
pub mod outbox;
pub mod rate;
pub mod watcher;
pub mod webhook;
