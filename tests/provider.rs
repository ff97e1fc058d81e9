//! The providers against the scripted upstream: every row of the error table, every rule of the
//! streams, and what happens below HTTP.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

#[path = "provider/anthropic_errors.rs"]
mod anthropic_errors;
#[path = "provider/anthropic_stream.rs"]
mod anthropic_stream;
#[path = "provider/chat_errors.rs"]
mod chat_errors;
#[path = "provider/chat_stream.rs"]
mod chat_stream;
#[path = "provider/connection.rs"]
mod connection;
#[path = "provider/fixture.rs"]
mod fixture;
#[path = "provider/scripted.rs"]
mod scripted;
#[path = "it/upstream/mod.rs"]
mod upstream;
