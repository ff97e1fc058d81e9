//! What a running server does besides serving, each a loop that ends with `stop`.

use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::queue::{Kept, Queue};
use crate::store::StoreError;
use crate::store::retention::Keep;

/// A key revoked by the command line is refused within a second.
const NOTICE_EVERY: Duration = Duration::from_millis(400);
/// Last uses of keys are exact to about this.
const RECORD_USES_EVERY: Duration = Duration::from_secs(10);
/// A request that shares a call expires within this of its deadline.
const EXPIRE_FOLLOWERS_EVERY: Duration = Duration::from_millis(250);
/// Cached answers that do not serve any more are forgotten this often.
const TRIM_CACHE_EVERY: Duration = Duration::from_secs(60);
/// Another price is written down within this, and a month that is over closed.
const KEEP_BOOKS_EVERY: Duration = Duration::from_secs(5);
/// What is too old is deleted this often.
const PURGE_EVERY: Duration = Duration::from_secs(3600);
/// Rows deleted in one transaction, whose batch others share.
const PURGE_AT_ONCE: usize = 25;
/// After such a transaction the writer is left to others for so many times as long as it took.
const PURGE_RESTS: u32 = 9;
/// And at least so long.
const PURGE_REST_MIN: Duration = Duration::from_millis(10);

pub(super) async fn notice_changes(accounts: Accounts, queue: Queue, stop: CancellationToken) {
    let mut ticks = ticks(NOTICE_EVERY);
    while next(&mut ticks, &stop).await {
        match accounts.notice_changes().await {
            Ok(moved) => moved.into_iter().for_each(|(user, tier)| queue.user_changed(user, tier)),
            Err(reason) => tracing::warn!(%reason, "changes of users and keys could not be read"),
        }
    }
}

pub(super) async fn record_uses(accounts: Accounts, stop: CancellationToken) {
    let mut ticks = ticks(RECORD_USES_EVERY);
    while next(&mut ticks, &stop).await {
        if let Err(reason) = accounts.record_uses().await {
            tracing::warn!(%reason, "last uses of keys could not be recorded");
        }
    }
}

pub(super) async fn keep_books(queue: Queue, stop: CancellationToken) {
    let (mut ticks, mut kept) = (ticks(KEEP_BOOKS_EVERY), Kept::default());
    while next(&mut ticks, &stop).await {
        match queue.keep_books(kept).await {
            Ok(news) => kept = news,
            Err(reason) => {
                tracing::warn!(%reason, "prices and closed months could not be written down; it is tried again")
            }
        }
    }
}

pub(super) async fn purge(queue: Queue, keep: Keep, stop: CancellationToken) {
    let mut ticks = ticks(PURGE_EVERY);
    while next(&mut ticks, &stop).await {
        match purge_all(&queue, keep, &stop).await {
            Ok(0) => {}
            Ok(gone) => {
                tracing::info!(rows = gone, "what was older than the configuration keeps was deleted")
            }
            Err(reason) => {
                tracing::warn!(%reason, "what is too old could not be deleted; the next hour tries again")
            }
        }
    }
}

/// Deletes all that is too old, a few at a time, with a rest after each. Returns how many are gone.
async fn purge_all(queue: &Queue, keep: Keep, stop: &CancellationToken) -> Result<u64, StoreError> {
    let mut gone = 0;
    loop {
        let (ages, stale) = queue.stale(keep).await?;
        let mut gone_now = 0;
        for few in stale.chunks(PURGE_AT_ONCE) {
            let begin = Instant::now();
            match queue.purge(ages, few.to_vec()).await {
                Ok(count) => gone_now += u64::from(count),
                // Others come first; they are found again.
                Err(StoreError::Busy) => {}
                Err(reason) => return Err(reason),
            }
            // The longer the writer took, the longer it is left to others.
            let rest = (begin.elapsed() * PURGE_RESTS).max(PURGE_REST_MIN);
            if tokio::time::timeout(rest, stop.cancelled()).await.is_ok() {
                return Ok(gone + gone_now);
            }
        }
        gone += gone_now;
        // What does not go is left to the next hour.
        if gone_now == 0 {
            return Ok(gone);
        }
    }
}

pub(super) async fn expire_followers(queue: Queue, stop: CancellationToken) {
    let mut ticks = ticks(EXPIRE_FOLLOWERS_EVERY);
    while next(&mut ticks, &stop).await {
        if let Err(reason) = queue.expire_followers().await {
            tracing::error!(%reason, "requests whose deadline passed could not be ended; it is tried again");
        }
    }
}

pub(super) async fn trim_cache(queue: Queue, stop: CancellationToken) {
    let mut ticks = ticks(TRIM_CACHE_EVERY);
    while next(&mut ticks, &stop).await {
        if let Err(reason) = queue.trim_cache().await {
            tracing::warn!(%reason, "cached answers that are too old or too many could not be forgotten");
        }
    }
}

fn ticks(every: Duration) -> Interval {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Waits for the next tick; `false` when it is time to stop.
async fn next(ticks: &mut Interval, stop: &CancellationToken) -> bool {
    tokio::select! {
        () = stop.cancelled() => false,
        _ = ticks.tick() => true,
    }
}
