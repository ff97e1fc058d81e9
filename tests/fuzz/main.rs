//! Hostile bytes at every opening of the real binary: HTTP, JSON, WebSocket frames, an upstream's
//! answers. Never a 5xx, a panic or a dead server; what is answered is a problem with a code.
//!
//! Bounded by numbers; `FUZZ=20` makes them twenty times as large, and
//! `FUZZ_SEED` draws others. A failure prints the bytes that did it.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod bytes;
#[allow(dead_code)]
#[path = "../provider/fixture.rs"]
mod fixture;
mod frames;
mod http;
mod json;
// Other test binaries use the rest of them.
#[allow(dead_code)]
#[path = "../it/server.rs"]
mod server;
mod streams;
#[path = "../it/upstream/mod.rs"]
mod upstream;
