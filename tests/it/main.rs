//! The real binary, from outside: one file a feature.

mod bad_input;
mod crash;
mod flow;
mod limits;
mod server;
mod upstream;
mod upstreams;
