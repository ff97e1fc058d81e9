//! What a running server does besides serving, each a loop that ends with `stop`.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::queue::{Kept, Queue};
use crate::store::StoreError;
use crate::store::retention::{Keep, StaleKind};

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
        let turn = |kind| purge_some(queue.clone(), kind, keep, stop.clone());
        let gone = in_turns(turn, &stop).await;
        if gone > 0 {
            tracing::info!(rows = gone, "what was older than the configuration keeps was deleted");
        }
    }
}

/// Deletes all that is too old. The kinds take turns: one that cannot be searched or deleted is left to
/// the next hour, and the others go on. Returns how many rows are gone.
async fn in_turns<F: Future<Output = Result<u64, StoreError>>>(
    turn: impl Fn(StaleKind) -> F,
    stop: &CancellationToken,
) -> u64 {
    let mut kinds = VecDeque::from(StaleKind::ALL);
    let mut gone = 0;
    while let Some(kind) = kinds.pop_front().filter(|_| !stop.is_cancelled()) {
        match turn(kind).await {
            // What does not go is left to the next hour.
            Ok(0) => {}
            Ok(some) => {
                gone += some;
                kinds.push_back(kind);
            }
            Err(reason) => tracing::warn!(
                %reason,
                kind = kind.name(),
                "what is too old could not be deleted; the next hour tries again"
            ),
        }
    }
    gone
}

/// A turn of one kind: a few at a time, with a rest after each. Returns how many rows are gone.
async fn purge_some(
    queue: Queue,
    kind: StaleKind,
    keep: Keep,
    stop: CancellationToken,
) -> Result<u64, StoreError> {
    let (ages, stale) = queue.stale(kind, keep).await?;
    let mut gone = 0;
    for few in stale.chunks(PURGE_AT_ONCE) {
        let begin = Instant::now();
        match queue.purge(ages, few.to_vec()).await {
            Ok(count) => gone += u64::from(count),
            // Others come first; they are found again.
            Err(StoreError::Busy) => {}
            Err(reason) => return Err(reason),
        }
        // The longer the writer took, the longer it is left to others.
        let rest = (begin.elapsed() * PURGE_RESTS).max(PURGE_REST_MIN);
        if tokio::time::timeout(rest, stop.cancelled()).await.is_ok() {
            break;
        }
    }
    Ok(gone)
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn a_kind_that_cannot_be_searched_stops_no_other() {
        let turns = RefCell::new(Vec::new());
        let turn = |kind| {
            turns.borrow_mut().push(kind);
            let rounds = turns.borrow().iter().filter(|other| **other == kind).count();
            std::future::ready(match kind {
                StaleKind::Requests => Err(StoreError::TimedOut),
                // Three turns, of which the last finds nothing more.
                StaleKind::Sessions | StaleKind::Alerts => Ok(if rounds < 3 { 10 } else { 0 }),
                _ => Ok(0),
            })
        };
        assert_eq!(in_turns(turn, &CancellationToken::new()).await, 40);
        let of = |kind| turns.borrow().iter().filter(|other| **other == kind).count();
        assert_eq!((of(StaleKind::Requests), of(StaleKind::Units)), (1, 1));
        assert_eq!((of(StaleKind::Sessions), of(StaleKind::Alerts)), (3, 3));
    }
}
