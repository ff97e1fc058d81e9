//! May this server be sent work? `/readyz`, for load balancers and for whoever starts it.

use std::time::Duration;

use hyper::StatusCode;
use parking_lot::Mutex;
use tokio::time::timeout;

use crate::domain::Timestamp;

use super::api::Api;
use super::problem::Problem;

/// A write that takes longer is as good as none.
const WRITE_TIME_MAX: Duration = Duration::from_secs(2);
/// The database is tried at most this often, however often one asks.
const WRITE_EVERY: Duration = Duration::from_secs(1);

/// What was found last.
#[derive(Default)]
pub struct Readiness {
    last: Mutex<Option<Tried>>,
}

/// A try of the database.
#[derive(Clone, Copy)]
struct Tried {
    at: Timestamp,
    is_writable: bool,
}

impl Readiness {
    /// The last try, unless it is time for a new one, which the caller then makes.
    fn known(&self, now: Timestamp) -> Option<bool> {
        let mut last = self.last.lock();
        let tried = last.as_mut()?;
        if now.since(tried.at) >= WRITE_EVERY || now < tried.at {
            // Others go by the old finding until this caller has a new one.
            tried.at = now;
            return None;
        }
        Some(tried.is_writable)
    }

    fn learn(&self, now: Timestamp, is_writable: bool) {
        *self.last.lock() = Some(Tried { at: now, is_writable });
    }
}

/// Whether everything is in order.
///
/// # Errors
/// 503 that names every check that failed.
pub async fn check(api: &Api) -> Result<(), Problem> {
    let now = (api.clock)();
    let mut failed = Vec::new();
    if !is_writable(api, now).await {
        failed.push("the database takes no writes");
    }
    if !(api.scheduler_ticks)() {
        failed.push("the scheduler does not tick");
    }
    if api.queue.is_draining() {
        failed.push("the server is stopping");
    }
    if failed.is_empty() {
        return Ok(());
    }
    let detail = format!("Not ready: {}.", failed.join("; "));
    Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, "not_ready", detail).with_retry_after(1))
}

async fn is_writable(api: &Api, now: Timestamp) -> bool {
    if let Some(known) = api.readiness.known(now) {
        return known;
    }
    let is_writable = matches!(timeout(WRITE_TIME_MAX, api.queue.probe()).await, Ok(Ok(())));
    api.readiness.learn(now, is_writable);
    is_writable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_is_tried_once_a_second() {
        let readiness = Readiness::default();
        assert_eq!(readiness.known(Timestamp(0)), None, "nobody has tried");
        readiness.learn(Timestamp(0), true);
        assert_eq!(readiness.known(Timestamp(999)), Some(true));
        assert_eq!(readiness.known(Timestamp(1000)), None, "this caller tries");
        assert_eq!(readiness.known(Timestamp(1001)), Some(true), "the others need not");
    }
}
