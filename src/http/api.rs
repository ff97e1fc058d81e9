//! Everything a handler may use: cheap-clone handles, no globals.

use std::net::IpAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::accounts::Accounts;
use crate::config::{self, Config};
use crate::diagram::check::Checker;
use crate::diagram::picture::Artist;
use crate::diagram::template::Templates;
use crate::domain::time::Clock;
use crate::events::Bus;
use crate::queue::Queue;
use crate::store::Reader;
use crate::webhooks::Webhooks;

use super::auth::Auth;
use super::call_limits::CallLimits;
use super::live::Live;
use super::observed::{AnswerListener, Figures};
use super::readiness::Readiness;
use super::trace::Sample;

/// The state of the server; one per process, shared by all connections.
pub struct Api {
    /// Submissions, cancellations, figures.
    pub queue: Queue,
    /// Reads.
    pub reader: Reader,
    /// Live events.
    pub bus: Bus,
    /// The templates in force.
    pub templates: Arc<Templates>,
    /// Users and keys.
    pub accounts: Accounts,
    /// What users do with their webhooks.
    pub webhooks: Webhooks,
    /// Verdicts on sources.
    pub checker: Arc<dyn Checker>,
    /// Pictures of sources.
    pub artist: Arc<dyn Artist>,
    /// Credentials to callers.
    pub auth: Auth,
    /// `[server]` as it was at the start.
    pub options: config::Server,
    /// Whether it runs for its developer: `serve --dev`.
    pub is_in_development: bool,
    /// The configuration in force, secrets masked, for `GET /api/admin/config`.
    pub effective_config: ArcSwap<serde_json::Value>,
    /// Now.
    pub clock: Clock,
    /// Calls a minute, by caller and by address.
    pub calls: CallLimits,
    /// What `/readyz` found last.
    pub readiness: Readiness,
    /// What live connections share.
    pub live: Arc<Live>,
    /// Whether the scheduler ticks, for `/readyz`.
    pub scheduler_ticks: Box<dyn Fn() -> bool + Send + Sync>,
    /// Whether a trace that begins here is recorded.
    pub sample: Sample,
    /// Hears of every answer.
    pub answered: AnswerListener,
    /// `/metrics`.
    pub figures: Figures,
}

impl Api {
    /// Puts in force what of `config` may change while the server runs.
    pub fn reload(&self, config: &Config) {
        self.calls.reload(&config.server);
        self.effective_config.store(Arc::new(config::show_json(config)));
    }
}

/// Where a call comes from, after trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);
