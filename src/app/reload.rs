//! SIGHUP: re-reads the file and puts in force what may change while serving.

use std::sync::Arc;

use crate::config::Loaded;
use crate::queue::Queue;
use crate::scheduler::Scheduler;
use crate::telemetry::LevelHandle;

use super::wiring;

/// The configuration in force and those who must hear of another.
pub(super) struct Running {
    loaded: Loaded,
    level: LevelHandle,
    scheduler: Arc<Scheduler>,
    queue: Queue,
}

impl Running {
    pub(super) fn new(loaded: Loaded, level: LevelHandle, scheduler: Arc<Scheduler>, queue: Queue) -> Self {
        Self { loaded, level, scheduler, queue }
    }

    /// A bad file changes nothing and is reported.
    pub(super) fn reload(&mut self) {
        let fresh = match self.loaded.again() {
            Ok(fresh) => fresh,
            Err(faults) => {
                tracing::error!(%faults, "the configuration was not reloaded: it has faults");
                return;
            }
        };
        for key in crate::config::reload::needs_restart(&self.loaded.config, &fresh.config) {
            tracing::warn!(key, "changed in the file; it takes effect at the next start");
        }
        if let Err(reason) = self.level.set(&fresh.config.log.level) {
            tracing::error!(%reason, "the log level was not changed");
        }
        self.queue.reload(wiring::rules(&fresh.config));
        self.scheduler
            .set_lanes(fresh.config.upstreams.iter().map(|upstream| upstream.lane.clone()).collect());
        self.loaded = fresh;
        tracing::info!("the configuration was reloaded");
    }
}
