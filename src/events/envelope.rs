//! An event on its way to many readers: rendered once, shared by all.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::domain::{Event, Timestamp};

/// An event with its place in the order of its job.
#[derive(Debug)]
pub struct Envelope {
    /// Rises from event to event of a job, also over a restart of the server; not without gaps.
    pub seq: u64,
    /// The event.
    pub event: Event,
    /// When the job ended, for an event that ends it: equal to the row's `completedAt`.
    pub ended_at: Option<Timestamp>,
    rendered: OnceLock<Bytes>,
}

impl Envelope {
    pub(super) fn new(seq: u64, event: Event, ended_at: Option<Timestamp>) -> Self {
        Self { seq, event, ended_at, rendered: OnceLock::new() }
    }

    /// The event in wire form, made by `render` for the first reader and shared by the rest:
    /// ten thousand watchers of one job cost one rendering.
    pub fn rendered(&self, render: impl FnOnce(&Self) -> String) -> Bytes {
        self.rendered.get_or_init(|| Bytes::from(render(self))).clone()
    }
}
