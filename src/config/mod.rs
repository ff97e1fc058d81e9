//! Configuration: raw file, environment and flags in; one validated [`Config`] out, or every
//! fault at once. Uses no network and no runtime.
//!
//! [`Config::load`] lays the sources over each other as one raw tree (`file`, `environment`,
//! `node`), reads every section out of it with its default and its bounds (`reader`, and one file
//! a section), and reports what nothing has read (`unknown`).

use crate::domain::tier::Tiers;

mod address;
mod alerts;
mod environment;
mod fault;
mod file;
mod generation;
mod jwt;
mod load;
mod node;
mod operations;
mod price;
mod reader;
pub mod reload;
mod render;
mod secret;
mod server;
mod show;
mod tiers;
mod traces;
pub mod units;
mod unknown;
mod upstream;

pub use alerts::{AlertEmail, AlertFormat, Alerts, EmailSecurity};
pub use fault::{Fault, Faults, Origin, Warning};
pub use generation::{Cache, Generation, QueueConfig};
pub use jwt::{JwtKey, OperatorJwt};
pub use load::{LoadOptions, Loaded, Override, known_keys};
pub use operations::{Log, LogFormat, Metrics, Retention, Webhooks};
pub use render::Render;
pub use secret::Secret;
pub use server::{Listen, Server, Storage};
pub use show::{show, show_json};
pub use traces::Traces;
pub use upstream::{PLANS, Upstream, UpstreamKind};

/// The whole configuration, validated.
#[derive(Clone, Debug)]
pub struct Config {
    /// `[server]`.
    pub server: Server,
    /// `[storage]`.
    pub storage: Storage,
    /// `[queue]`.
    pub queue: QueueConfig,
    /// `[generation]`.
    pub generation: Generation,
    /// `[[upstreams]]`, in order of preference; at least one.
    pub upstreams: Vec<Upstream>,
    /// `[tiers]`.
    pub tiers: Tiers,
    /// `[cache]`.
    pub cache: Cache,
    /// `[render]`.
    pub render: Render,
    /// `[auth.jwt]`, when configured.
    pub jwt: Option<OperatorJwt>,
    /// `[alerts]`.
    pub alerts: Alerts,
    /// `[webhooks]`.
    pub webhooks: Webhooks,
    /// `[log]`.
    pub log: Log,
    /// `[metrics]`.
    pub metrics: Metrics,
    /// `[traces]`.
    pub traces: Traces,
    /// `[retention]`.
    pub retention: Retention,
}

/// A commented file with every key and its default: `config.toml.example`.
pub fn default_toml() -> &'static str {
    include_str!("../../config.toml.example")
}
