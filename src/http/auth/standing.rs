//! Does a caller that was let in earlier still stand? Asked by connections that live on: one
//! read for all connections of a key, until a user or key changes.

use std::collections::HashMap;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::accounts::{Accounts, Caller};
use crate::domain::{KeyId, UserId};
use crate::store::StoreError;

/// Findings kept; when there are more, all are forgotten.
const FOUND_MAX: usize = 10_000;

pub(super) struct Standing {
    accounts: Accounts,
    changes: watch::Receiver<u64>,
    found: Mutex<Found>,
}

/// What was found since the last change.
#[derive(Default)]
struct Found {
    generation: u64,
    good: HashMap<(UserId, Option<KeyId>), bool>,
}

impl Standing {
    pub(super) fn new(accounts: Accounts) -> Self {
        let changes = accounts.changes();
        Self { accounts, changes, found: Mutex::default() }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    pub(super) async fn is_good(&self, caller: &Caller) -> Result<bool, StoreError> {
        let generation = *self.changes.borrow();
        let whose = (caller.user, caller.key.clone());
        if let Some(found) = self.found(generation, &whose) {
            return Ok(found);
        }
        let good = self.accounts.still_stands(caller.user, caller.key.as_ref()).await?;
        let mut found = self.found.lock();
        // A change since then is looked at by whoever asks next.
        if found.generation == generation {
            if found.good.len() >= FOUND_MAX {
                found.good.clear();
            }
            found.good.insert(whose, good);
        }
        Ok(good)
    }

    fn found(&self, generation: u64, whose: &(UserId, Option<KeyId>)) -> Option<bool> {
        let mut found = self.found.lock();
        if found.generation != generation {
            *found = Found { generation, good: HashMap::new() };
        }
        found.good.get(whose).copied()
    }
}
