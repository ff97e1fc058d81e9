//! A long connection ends with the credential that it was opened with: when the key or token is
//! over, revoked, or its user disabled. It looks when a user or key has changed, at most once a
//! second, and costs nothing in between.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::accounts::Caller;
use crate::http::api::Api;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A credential that ends later is looked at again then.
const SLEEP_MAX: Duration = Duration::from_secs(24 * 3600);

/// What clients are told.
pub(super) const ENDED: &str = "the key or token is over or revoked; authenticate again";

pub(super) struct Guard {
    caller: Caller,
    changes: watch::Receiver<u64>,
    /// Whether something has changed since the last look.
    is_unsure: bool,
    look_from: Instant,
}

impl Guard {
    /// Boxed: ten thousand sockets without a caller must not pay for it.
    pub(super) fn of(api: &Api, caller: Caller) -> Box<Self> {
        let changes = api.auth.changes();
        // What changed between the check of the credential and now is looked at.
        Box::new(Self { caller, changes, is_unsure: true, look_from: Instant::now() })
    }

    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns when the credential is no longer good. Cancel-safe.
    async fn ended(&mut self, api: &Api) {
        loop {
            let over_at =
                self.caller.until.map(|until| Instant::now() + until.since((api.clock)()).min(SLEEP_MAX));
            let is_over = async {
                match over_at {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let look_from = self.look_from;
            let is_unsure = self.is_unsure;
            let changed = async {
                // The sender lives as long as the server.
                if is_unsure || self.changes.changed().await.is_ok() {
                    sleep_until(look_from).await;
                } else {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = is_over => {}
                () = changed => {}
            }
            self.is_unsure = true;
            if !Box::pin(self.is_good(api)).await {
                return;
            }
            self.is_unsure = false;
            self.look_from = Instant::now() + LOOK_EVERY;
        }
    }

    async fn is_good(&mut self, api: &Api) -> bool {
        self.changes.mark_unchanged();
        match api.auth.still_stands(&self.caller).await {
            Ok(good) => good,
            Err(reason) => {
                tracing::warn!(%reason, "a live connection's key could not be looked up; it stays");
                true
            }
        }
    }
}

/// Returns when a connection's credential is no longer good; never for one without. Cancel-safe.
pub(super) async fn ended(guard: &mut Option<Box<Guard>>, api: &Api) {
    match guard {
        Some(guard) => guard.ended(api).await,
        None => std::future::pending().await,
    }
}
