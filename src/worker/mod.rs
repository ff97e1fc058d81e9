//! The worker: one claimed job from prompt to settled result.
//!
//! Takes claimed jobs from the queue, calls the upstream, tells watchers what arrives, and
//! settles. It never decides when a job runs: that was the scheduler's claim.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::diagram::check::Checker;
use crate::domain::LaneName;
use crate::domain::time::Clock;
use crate::events::Bus;
use crate::provider::Provider;
use crate::queue::{Queue, Running};

mod judge;
mod progress;
mod run;
mod tag;
mod troubles;

pub use tag::TagSecret;
pub use troubles::Troubles;

/// Everything a run needs.
pub struct Worker {
    /// Settles.
    pub queue: Queue,
    /// Tells watchers.
    pub bus: Bus,
    /// The upstreams, by name.
    pub providers: HashMap<LaneName, Arc<dyn Provider>>,
    /// Checks sources.
    pub checker: Arc<dyn Checker>,
    /// Calls that correct one request's source, at most.
    pub repair_attempts: u32,
    /// The longest an upstream call may take.
    pub timeout: Duration,
    /// Makes users' opaque tags.
    pub tags: TagSecret,
    /// What keeps upstreams from working.
    pub troubles: Arc<Troubles>,
    /// Now.
    pub clock: Clock,
}

impl Worker {
    /// Runs claimed jobs until `stop` fires and then those in hand until `give_up` fires: their
    /// calls are closed and their jobs go back into the queue. Returns when every run is settled.
    pub async fn work(
        self: Arc<Self>,
        mut claimed: mpsc::Receiver<Running>,
        stop: CancellationToken,
        give_up: CancellationToken,
    ) {
        let mut runs = JoinSet::new();
        loop {
            tokio::select! {
                biased;
                Some(_) = runs.join_next() => {}
                job = claimed.recv() => {
                    let Some(job) = job else { break };
                    runs.spawn(Arc::clone(&self).run_whatever_happens(job, give_up.clone()));
                }
                () = stop.cancelled() => break,
            }
        }
        // What was claimed before the scheduler stopped is on its way here and must be settled.
        claimed.close();
        while let Some(job) = claimed.recv().await {
            runs.spawn(Arc::clone(&self).run_whatever_happens(job, give_up.clone()));
        }
        while runs.join_next().await.is_some() {}
    }

    /// A panic in a run must not leave its job running for ever.
    async fn run_whatever_happens(self: Arc<Self>, running: Running, give_up: CancellationToken) {
        let job = running.job.clone();
        let run = std::panic::AssertUnwindSafe(self.run(running, give_up)).catch_unwind();
        if run.await.is_err() {
            tracing::error!(
                job = %job.id,
                run = job.run,
                trace_id = %job.origin.trace(),
                request_id = %job.origin.request_id(),
                "a run panicked; its request fails"
            );
            self.settle_panicked(&job).await;
        }
    }
}
