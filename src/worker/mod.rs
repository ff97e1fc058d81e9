//! The worker: one claimed job from prompt to settled result.
