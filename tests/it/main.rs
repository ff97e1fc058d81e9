//! The real binary, from outside: one file a feature.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod admin_requests;
mod alert_outbox;
mod alert_receivers;
mod alerts;
mod auth;
mod authority;
mod backup;
mod backup_docs;
mod bad_input;
mod browser;
mod cache;
mod changes;
mod client_script;
#[cfg(feature = "render")]
mod drawn;
mod export;
mod flow;
mod generate;
mod health;
mod invoices;
mod kills;
mod kroki;
mod limits;
mod live;
mod manual;
mod metrics;
// Unit tests use all of it.
#[allow(dead_code)]
#[path = "../../src/http/auth/minted.rs"]
mod minted;
mod observed;
mod openapi;
mod operations_docs;
#[cfg(feature = "otel")]
mod otel;
mod outage;
mod pages;
mod paused;
// Builds that draw use the rest of it.
#[cfg_attr(not(feature = "render"), allow(dead_code))]
mod pictures;
mod plan;
mod printing;
mod receiver;
mod recount;
mod repair;
mod retention;
// Other test binaries use the rest of it.
#[allow(dead_code)]
mod server;
mod service;
mod session;
mod sharing;
mod sharing_ends;
mod sigterm;
mod socket;
mod sockets;
mod stats;
mod stop;
mod templates;
mod terminal;
mod tls;
mod traces;
mod upgrade;
mod upstream;
mod upstreams;
#[cfg(feature = "validate")]
mod validate;
mod verb;
mod watch;
mod webhooks;
