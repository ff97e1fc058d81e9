//! The providers against the scripted upstream.

#[path = "it/upstream/mod.rs"]
mod upstream;
