//! What the disk may do to an accepted request: power cuts, full disks, failing and slow syncs.
//!
//! The real binary runs under `strace`, which records its writes or makes them fail. Built only
//! with `--features durability-tests`, because `strace` is not on every machine; `tests/run`
//! installs it.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

mod disk;
mod faults;
mod power_cut;
mod recording;
// Other test binaries use the rest of it.
#[allow(dead_code)]
#[path = "../it/server.rs"]
mod server;
mod syscalls;
