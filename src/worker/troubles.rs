//! What keeps the upstreams from working, told to the operator: once when an upstream stops, once
//! when it answers again. The worker notes what its calls meet; `generate` without a server shows it.
//!
//! Users never see these sentences: they name addresses and repeat an upstream's words on keys.

use std::collections::HashMap;

use parking_lot::Mutex;

use crate::domain::lane::CallEnd;
use crate::domain::{LaneName, Timestamp};
use crate::provider::CallError;

/// See the module. One entry an upstream at most.
#[derive(Debug, Default)]
pub struct Troubles(Mutex<Known>);

#[derive(Debug, Default)]
struct Known {
    paused: HashMap<LaneName, Paused>,
    latest: Option<String>,
}

#[derive(Debug)]
struct Paused {
    sentence: String,
    since: Timestamp,
}

impl Troubles {
    /// What the call that failed last met, in the operator's words; `None` when that is not known
    /// to be the upstream's trouble.
    pub fn latest(&self) -> Option<String> {
        self.0.lock().latest.clone()
    }

    /// A call begins: what the one before met is over.
    pub(super) fn call_begins(&self) {
        self.0.lock().latest = None;
    }

    /// A call failed. Returns whether this has been told, here or earlier.
    pub(super) fn call_failed(&self, lane: &LaneName, error: &CallError, now: Timestamp) -> bool {
        let sentence = error.trouble.as_ref().map(|trouble| trouble.sentence(lane));
        let mut known = self.0.lock();
        known.latest.clone_from(&sentence);
        let (CallEnd::LanePaused { until, .. }, Some(sentence)) = (&error.end, sentence) else {
            return false;
        };
        let is_new = known.paused.get(lane).is_none_or(|paused| paused.sentence != sentence);
        known.paused.insert(lane.clone(), Paused { sentence: sentence.clone(), since: now });
        drop(known);
        if is_new {
            let until = until.map_or_else(|| "the queue is resumed".to_owned(), |until| until.to_string());
            tracing::error!(
                %lane,
                until,
                detail = error.detail,
                "the upstream {lane} is paused until {until}, and its requests wait: {sentence}"
            );
        }
        true
    }

    /// An answer came to a call that was sent then.
    pub(super) fn call_answered(&self, lane: &LaneName, sent_at: Option<Timestamp>) {
        let mut known = self.0.lock();
        // A call from before the pause says nothing about it.
        let is_over =
            known.paused.get(lane).is_some_and(|paused| sent_at.is_some_and(|at| at > paused.since));
        if is_over {
            known.paused.remove(lane);
            drop(known);
            tracing::info!(%lane, "the upstream {lane} answers again");
        }
    }
}
