//! diagramd: prompts in, diagrams out; a durable fair queue and exact quotas between.
//!
//! The modules in reading order. Data goes one way, `http -> queue -> scheduler -> worker ->
//! provider`, and back only as a committed row and an event. `ARCHITECTURE.md` is the map, and
//! `tests/architecture.rs` fails on an arrow that the map forbids.

pub mod domain;

pub mod config;

pub mod store;

pub mod accounts;

pub mod events;

pub mod queue;

pub mod scheduler;

pub mod provider;

pub mod diagram;

pub mod worker;

pub mod webhooks;

pub mod http;

pub mod alerts;

pub mod telemetry;

pub mod client;

pub mod app;

pub mod cli;
