//! The queue: submit, cancel, claim, settle, recover; the only writer of job state.
//!
//! Called by http and cli (submit, cancel, retry, pause), by the scheduler (claim, expire) and by
//! the worker (settle). It never speaks HTTP and never makes an upstream call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

use crate::domain::limits::{Overview, Place};
use crate::domain::time::Clock;
use crate::domain::{JobId, JobSeq, Timestamp};
use crate::events::Bus;
use crate::store::{Reader, Writer};

mod admin;
mod base;
mod books;
mod cache;
mod cache_key;
mod cancel;
mod claim;
mod following;
mod hint;
pub mod ports;
mod positions;
mod recover;
mod refusal;
mod relay;
pub mod request;
pub mod rules;
mod running;
mod settle;
mod submit;

pub use books::Kept;
pub use cache::CacheRules;
pub use claim::ClaimRequest;
pub use ports::{Accepted, CacheUse, CallEnded, FillTemplate, Observe, Outbox, Scheduling, Telling};
pub use recover::Recovery;
pub use refusal::{Refusal, RefusedLimit, Scope, SubmitError, Upgrade};
pub use request::{Fault, SubmitRequest};
pub use rules::Rules;
pub use running::Running;
pub use settle::{CallResult, Conclusion};
pub use submit::{IDEMPOTENCY_KEY_CHARS_MAX, Idempotency, Receipt};

/// Claimed jobs on their way to workers: no more than there can be calls in flight (16 upstreams
/// of at most 1,000 calls).
const CLAIMED_MAX: usize = 16_000;

/// The queue; cheap to clone.
#[derive(Clone)]
pub struct Queue {
    inner: Arc<Inner>,
}

struct Inner {
    writer: Writer,
    reader: Reader,
    bus: Bus,
    rules: ArcSwap<Rules>,
    clock: Clock,
    scheduler: OnceLock<Arc<dyn Scheduling>>,
    observers: OnceLock<Vec<Arc<dyn Observe>>>,
    outbox: OnceLock<Arc<dyn Outbox>>,
    running: running::Registry,
    following: following::Following,
    claimed: mpsc::Sender<Running>,
    /// Moves with every committed change; the position ticker waits for it.
    changed: Notify,
    draining: AtomicBool,
    /// Fires when a stop waits no longer for the store.
    giving_up: CancellationToken,
}

impl Inner {
    /// Whoever counts.
    fn observers(&self) -> impl Iterator<Item = &Arc<dyn Observe>> {
        self.observers.get().into_iter().flatten()
    }
}

impl Queue {
    /// A queue over a store. Returns the receiving end of claimed jobs, for the worker.
    pub fn new(
        writer: Writer,
        reader: Reader,
        bus: Bus,
        rules: Rules,
        clock: Clock,
    ) -> (Self, mpsc::Receiver<Running>) {
        let (claimed, to_run) = mpsc::channel(CLAIMED_MAX);
        let inner = Arc::new(Inner {
            writer,
            reader,
            bus,
            rules: ArcSwap::from_pointee(rules),
            clock,
            scheduler: OnceLock::new(),
            observers: OnceLock::new(),
            outbox: OnceLock::new(),
            running: running::Registry::default(),
            following: following::Following::default(),
            claimed,
            changed: Notify::new(),
            draining: AtomicBool::new(false),
            giving_up: CancellationToken::new(),
        });
        (Self { inner }, to_run)
    }

    /// Joins the scheduler; from now on commits reach it. Once, before the first job.
    pub fn connect(&self, scheduler: Arc<dyn Scheduling>) {
        if self.inner.scheduler.set(scheduler).is_err() {
            tracing::error!("a second scheduler was refused");
            return;
        }
        let inner = Arc::downgrade(&self.inner);
        self.inner.writer.listen(Arc::new(move |changes| {
            if let Some(inner) = inner.upgrade() {
                relay::relay(&inner, changes);
            }
        }));
    }

    /// Sets who counts; once.
    pub fn observe(&self, observers: Vec<Arc<dyn Observe>>) {
        if self.inner.observers.set(observers).is_err() {
            tracing::error!("further observers of the queue were refused");
        }
    }

    /// Joins whoever delivers messages; without one they wait on disk. Once.
    pub fn deliver_with(&self, outbox: Arc<dyn Outbox>) {
        if self.inner.outbox.set(outbox).is_err() {
            tracing::error!("a second outbox was refused");
        }
    }

    /// A waiting job's place, which is that of the job whose call it shares, if it does; `None` when
    /// it is not waiting.
    pub fn place(&self, seq: JobSeq) -> Option<Place> {
        self.inner.scheduler.get()?.place(self.inner.following.place_of(seq))
    }

    /// The first `count` waiting jobs in order, with their places.
    pub fn front(&self, count: usize) -> Vec<(JobId, Place)> {
        self.inner.scheduler.get().map_or_else(Vec::new, |scheduler| scheduler.front(count))
    }

    /// The whole queue's figures; `None` before the scheduler is joined.
    pub fn overview(&self) -> Option<Overview> {
        Some(self.inner.scheduler.get()?.overview())
    }

    /// The limits in force.
    pub fn rules(&self) -> Arc<Rules> {
        self.inner.rules.load_full()
    }

    /// Puts new limits in force for the next submission. Usage stays; the scheduler's limits are
    /// its own.
    pub fn reload(&self, rules: Rules) {
        self.inner.rules.store(Arc::new(rules));
    }

    /// Accepts nothing more; what is accepted goes on.
    pub fn drain(&self) {
        self.inner.draining.store(true, Ordering::Release);
    }

    /// What the store does not take at once any more is left to the next start.
    pub fn give_up(&self) {
        self.inner.giving_up.cancel();
    }

    /// Whether [`Queue::drain`] was called.
    pub fn is_draining(&self) -> bool {
        self.inner.draining.load(Ordering::Acquire)
    }

    /// Now, by the queue's clock.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }
}
