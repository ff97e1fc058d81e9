//! SIGHUP: re-reads the file and puts in force what may change while serving.

use std::sync::Arc;

use crate::config::{self, Loaded};
use crate::http::api::Api;
use crate::queue::Queue;
use crate::scheduler::Scheduler;
use crate::telemetry::logs::LogHandle;

use super::alerting::Alerting;
use super::wiring;

/// The configuration in force and those who must hear of another.
pub(super) struct Running {
    pub(super) loaded: Loaded,
    pub(super) logs: LogHandle,
    pub(super) scheduler: Arc<Scheduler>,
    pub(super) queue: Queue,
    pub(super) alerting: Alerting,
    pub(super) api: Arc<Api>,
}

impl Running {
    /// A bad file changes nothing and is reported. What takes a restart is named and left as it
    /// was, so that the next reload names it again.
    pub(super) fn reload(&mut self) {
        let fresh = match self.loaded.again() {
            Ok(fresh) => fresh,
            Err(faults) => {
                tracing::error!(%faults, "the configuration was not reloaded: it has faults; everything stays as it was");
                return;
            }
        };
        for warning in &fresh.warnings {
            tracing::warn!("{warning}");
        }
        for key in config::reload::needs_restart(&self.loaded.config, &fresh.config) {
            tracing::warn!(
                key,
                "{key} was changed, which takes a restart; until then the old value stays in force"
            );
        }
        let config = config::reload::merged(&self.loaded.config, &fresh.config);
        if let Err(reason) = self.logs.set(wiring::log_format(&config), &config.log.level) {
            tracing::error!(%reason, "the logs were not changed");
        }
        let lanes = config.upstreams.iter().map(|upstream| upstream.lane.clone()).collect();
        self.scheduler.set_limits(lanes, &config.tiers);
        let templates = Arc::clone(&self.queue.rules().templates);
        self.queue.reload(wiring::rules(&config, templates));
        self.alerting.reload(&config);
        self.api.reload(&config);
        self.loaded = fresh;
        self.loaded.config = config;
        tracing::info!("the configuration was reloaded");
    }
}
