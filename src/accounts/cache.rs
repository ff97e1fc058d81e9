//! Callers seen lately, so that a call costs no read. Emptied whenever a user or key changes.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::domain::{KeyId, Timestamp};

use super::Caller;

/// Entries of each kind; a fuller cache is emptied.
const ENTRIES_MAX: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Cache {
    inner: Mutex<Inner>,
    /// Tells of every move of the generation.
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    /// The store's identity epoch last seen; 0, before any change, until one was.
    epoch: i64,
    /// Moves whenever the cache forgets: what was read before is then not remembered.
    generation: u64,
    keys: HashMap<[u8; 32], Caller>,
    people: HashMap<String, Caller>,
    uses: HashMap<KeyId, Timestamp>,
}

impl Cache {
    pub(super) fn key(&self, hash: &[u8; 32]) -> Option<Caller> {
        self.inner.lock().keys.get(hash).cloned()
    }

    /// Remembers what was read while the cache was at `generation`; a change since then forbids it.
    pub(super) fn remember_key(&self, generation: u64, hash: [u8; 32], known: Caller) {
        let mut inner = self.inner.lock();
        if inner.generation != generation {
            return;
        }
        if inner.keys.len() >= ENTRIES_MAX {
            inner.keys.clear();
        }
        inner.keys.insert(hash, known);
    }

    pub(super) fn person(&self, name: &str) -> Option<Caller> {
        self.inner.lock().people.get(name).cloned()
    }

    pub(super) fn remember_person(&self, generation: u64, caller: Caller) {
        let mut inner = self.inner.lock();
        if inner.generation != generation {
            return;
        }
        if inner.people.len() >= ENTRIES_MAX {
            inner.people.clear();
        }
        inner.people.insert(caller.name.to_string(), caller);
    }

    pub(super) fn generation(&self) -> u64 {
        self.inner.lock().generation
    }

    /// Forgets everything when `epoch` has moved. Returns the epoch before, if it has.
    pub(super) fn moved_to(&self, epoch: i64) -> Option<i64> {
        let mut inner = self.inner.lock();
        if inner.epoch == epoch {
            return None;
        }
        self.forget_all(&mut inner);
        Some(std::mem::replace(&mut inner.epoch, epoch))
    }

    /// Forgets everything: a change was made here.
    pub(super) fn forget(&self) {
        self.forget_all(&mut self.inner.lock());
    }

    fn forget_all(&self, inner: &mut Inner) {
        inner.keys.clear();
        inner.people.clear();
        inner.generation += 1;
        self.changes.send_replace(inner.generation);
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    pub(super) fn used(&self, key: &KeyId, at: Timestamp) {
        let mut inner = self.inner.lock();
        if inner.uses.len() < ENTRIES_MAX || inner.uses.contains_key(key) {
            inner.uses.insert(key.clone(), at);
        }
    }

    pub(super) fn take_uses(&self) -> Vec<(KeyId, Timestamp)> {
        std::mem::take(&mut self.inner.lock().uses).into_iter().collect()
    }
}
