//! Everything a handler may use: cheap-clone handles, no globals.

use std::net::IpAddr;
use std::num::NonZeroU32;

use ipnet::IpNet;

use crate::accounts::Accounts;
use crate::domain::time::Clock;
use crate::events::Bus;
use crate::queue::Queue;
use crate::store::Reader;

use super::auth::Auth;
use super::call_limits::CallLimits;
use super::live::Live;
use super::readiness::Readiness;

/// What of the configuration the server needs.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Prefix of links; empty: relative.
    pub public_url: String,
    /// Exact origins that a page may call from.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Bytes of a body.
    pub max_body: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Calls a minute per caller; `None`: not limited.
    pub api_requests_per_minute: Option<NonZeroU32>,
    /// Calls a minute per address without credentials; `None`: not limited.
    pub anonymous_requests_per_minute: Option<NonZeroU32>,
    /// Whether watching a request needs more than its id.
    pub websocket_require_auth: bool,
    /// The effective configuration, secrets masked, for `GET /api/admin/config`.
    pub effective_config: serde_json::Value,
}

/// The state of the server; one per process, shared by all connections.
pub struct Api {
    /// Submissions, cancellations, figures.
    pub queue: Queue,
    /// Reads.
    pub reader: Reader,
    /// Live events.
    pub bus: Bus,
    /// Users and keys.
    pub accounts: Accounts,
    /// Credentials to callers.
    pub auth: Auth,
    /// Configuration.
    pub options: HttpOptions,
    /// Now.
    pub clock: Clock,
    /// Calls a minute, by caller and by address.
    pub calls: CallLimits,
    /// What `/readyz` found last.
    pub readiness: Readiness,
    /// What live connections share.
    pub live: Live,
    /// When the scheduler last ticked, for `/readyz`.
    pub scheduler_ticked: Box<dyn Fn() -> crate::domain::Timestamp + Send + Sync>,
}

/// Where a call comes from, after trusted proxies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);
