//! Does a caller that was let in earlier still stand? Asked by connections that live on: one
//! read for all connections of a key, until a user or key changes.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OnceCell, watch};

use crate::accounts::{Accounts, Caller};
use crate::domain::{KeyId, Role, SessionId, UserId};
use crate::store::StoreError;

/// Findings kept; when there are more, all are forgotten.
const FOUND_MAX: usize = 10_000;

pub(super) struct Standing {
    accounts: Accounts,
    changes: watch::Receiver<u64>,
    found: Mutex<Found>,
}

/// What was found since the last change; the first who asks of a caller reads for all.
#[derive(Default)]
struct Found {
    generation: u64,
    good: HashMap<Whose, Arc<OnceCell<bool>>>,
}

type Whose = (UserId, Option<KeyId>, Option<(SessionId, Role)>);

impl Standing {
    pub(super) fn new(accounts: Accounts) -> Self {
        let changes = accounts.changes();
        Self { accounts, changes, found: Mutex::default() }
    }

    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.clone()
    }

    pub(super) async fn is_good(&self, caller: &Caller) -> Result<bool, StoreError> {
        let session = caller.session.map(|session| (session, caller.role));
        let found = self.finding((caller.user, caller.key.clone(), session));
        found.get_or_try_init(|| self.accounts.still_stands(caller)).await.copied()
    }

    fn finding(&self, whose: Whose) -> Arc<OnceCell<bool>> {
        // Before the read: what changes after it is another generation.
        let generation = *self.changes.borrow();
        let mut found = self.found.lock();
        if found.generation != generation {
            *found = Found { generation, good: HashMap::new() };
        }
        if found.good.len() >= FOUND_MAX && !found.good.contains_key(&whose) {
            found.good.clear();
        }
        Arc::clone(found.good.entry(whose).or_default())
    }
}
