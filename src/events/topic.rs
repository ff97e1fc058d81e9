//! One job's watchers, and what a late one must be told.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::domain::{JobEvent, JobId, JobSeq, UserId};

use super::bus::WatchedJob;
use super::mailbox::Mailbox;

/// Bytes of a running answer kept for late subscribers; more than `max_tokens_cap` can write.
const TEXT_BYTES_MAX: usize = 1 << 20;

/// What is known of a job that is watched, or runs.
#[derive(Default)]
pub(super) struct Topic {
    /// Tells this topic from an earlier one of the same job: an ended job may be queued again.
    pub(super) number: u64,
    pub(super) watchers: Vec<Arc<Mailbox>>,
    /// For the position ticker; set by a watcher.
    pub(super) place_of: Option<(JobSeq, UserId)>,
    /// The running answer's text so far.
    pub(super) text: String,
    pub(super) running: bool,
    /// `seq` of the last event that the job's row may show.
    pub(super) changed: u64,
    /// The last place that was told, and whether it was said to be paused.
    last_told: Option<(u64, bool)>,
}

impl Topic {
    pub(super) fn new(number: u64) -> Self {
        Self { number, ..Self::default() }
    }

    pub(super) fn watched(&self, job: JobId) -> Option<WatchedJob> {
        let (seq, user) = self.place_of.filter(|_| !self.running)?;
        Some(WatchedJob { job, seq, user, last_told: self.last_told })
    }

    pub(super) fn note(&mut self, seq: u64, what: &JobEvent) {
        if !what.is_sheddable() {
            self.changed = seq;
        }
        match what {
            JobEvent::Position { position, paused, .. } => self.last_told = Some((*position, *paused)),
            JobEvent::Processing { .. } => {
                self.running = true;
                self.text.clear();
            }
            JobEvent::Delta { text } => {
                if self.text.len() + text.len() <= TEXT_BYTES_MAX {
                    self.text.push_str(text);
                }
            }
            JobEvent::Retrying { .. } | JobEvent::Repairing { .. } => {
                self.running = false;
                self.text = String::new();
                self.last_told = None;
            }
            JobEvent::Validating => {}
            // The topic goes away with its last event.
            JobEvent::Completed(_) | JobEvent::Failed(_) | JobEvent::Cancelled | JobEvent::Expired => {}
        }
    }
}

/// Keeps a topic for a running job (its text is wanted by late watchers); forgets an ended one.
/// `text` is what there is of the answer as a call begins.
pub(super) fn settle(topic: Entry<'_, JobId, Topic>, seq: u64, what: &JobEvent, text: String) {
    match topic {
        Entry::Occupied(mut known) => {
            if matches!(what, JobEvent::Processing { .. }) {
                known.get_mut().text = text;
            }
            if what.is_terminal() || (known.get().watchers.is_empty() && !known.get().running) {
                known.remove();
            }
        }
        Entry::Vacant(slot) => {
            if matches!(what, JobEvent::Processing { .. }) {
                let mut topic = Topic::new(seq);
                topic.note(seq, what);
                topic.text = text;
                slot.insert(topic);
            }
        }
    }
}
