//! Parses, dispatches, maps to an exit status.

fn main() {}
