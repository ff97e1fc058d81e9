//! The HTTP server: router, authentication, resources, live updates.
//!
//! Handlers have no rules: they parse, call the queue or read the store, and render. Status
//! codes are decided here and nowhere else.

pub mod api;
pub mod auth;
pub mod problem;
pub mod view;
