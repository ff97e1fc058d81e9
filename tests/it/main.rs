//! The real binary, from outside: one file a feature.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod crash;
mod flow;
mod generate;
mod limits;
mod recount;
mod server;
mod stats;
mod upstream;
mod upstreams;
