//! Configuration: raw file, environment and flags in; one validated [`Config`] out, or every
//! fault at once. Uses no network and no runtime.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::domain::Tier;
use crate::domain::lane::{LaneSpec, RetryPolicy};
use crate::domain::prices::ModelPrice;
use crate::domain::tier::Tiers;

mod secret;

pub use secret::Secret;

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
    /// `[retention]`.
    pub retention: Retention,
}

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// TCP.
    Tcp(SocketAddr),
    /// A Unix socket at this path.
    Unix(PathBuf),
}

/// `[server]`.
#[derive(Clone, Debug)]
pub struct Server {
    /// Where to listen.
    pub listen: Listen,
    /// Prefix of links in answers, without a slash at the end; empty: relative links.
    pub public_url: String,
    /// Database, token secret, lock.
    pub data_dir: PathBuf,
    /// Exact origins.
    pub cors_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Bytes of a request body.
    pub max_body: usize,
    /// Connections at once.
    pub max_connections: usize,
    /// Calls a minute per caller; `None`: not limited.
    pub api_requests_per_minute: Option<NonZeroU32>,
    /// Calls a minute per address without credentials; `None`: not limited.
    pub anonymous_requests_per_minute: Option<NonZeroU32>,
    /// Whether watching a request needs more than its id.
    pub websocket_require_auth: bool,
    /// How long a stop waits for running calls.
    pub shutdown_grace: Duration,
}

/// `[storage]`.
#[derive(Clone, Debug)]
pub struct Storage {
    /// The SQLite file; `None`: `diagramd.db` in the data directory.
    pub path: Option<PathBuf>,
}

/// `[queue]`.
#[derive(Clone, Debug)]
pub struct QueueConfig {
    /// Jobs waiting in the whole server.
    pub max_queued: u32,
    /// Attempts and back-off.
    pub retry: RetryPolicy,
    /// Deadline of a request that names none; `None`: it waits as long as it takes.
    pub default_deadline: Option<Duration>,
}

/// `[generation]`.
#[derive(Clone, Debug)]
pub struct Generation {
    /// `maxTokens` of a request that names none.
    pub default_max_tokens: u32,
    /// The largest `maxTokens`.
    pub max_tokens_cap: u32,
    /// Characters of a prompt.
    pub max_prompt_chars: usize,
    /// One upstream call.
    pub timeout: Duration,
    /// Extra calls when the answer does not parse.
    pub repair_attempts: u32,
    /// Whether equal requests in flight share one call.
    pub coalesce: bool,
}

/// How an upstream is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamKind {
    /// Anthropic's Messages API.
    Anthropic,
    /// Chat completions (Ollama, vLLM, …).
    Openai,
    /// Rules, no model, no network.
    Offline,
}

/// One `[[upstreams]]` entry.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Protocol.
    pub kind: UpstreamKind,
    /// Without a slash at the end.
    pub base_url: String,
    /// The key; `None` for servers that need none.
    pub api_key: Option<Secret>,
    /// What the scheduler needs: name, model, limits.
    pub lane: LaneSpec,
    /// A configured price; `None`: the built-in table (free for offline and openai kinds).
    pub price: Option<ModelPrice>,
}

/// `[cache]`.
#[derive(Clone, Debug)]
pub struct Cache {
    /// Whether answers are cached.
    pub enabled: bool,
    /// Age limit.
    pub ttl: Duration,
    /// Size limit in bytes.
    pub max_size: u64,
}

/// `[auth.jwt]`: tokens signed by the operator's own application.
#[derive(Clone, Debug)]
pub struct OperatorJwt {
    /// Required `iss`.
    pub issuer: String,
    /// Required `aud`.
    pub audience: String,
    /// Pinned algorithms: `HS256`, `RS256`, `ES256`, `EdDSA`.
    pub algorithms: Vec<String>,
    /// Where the key comes from.
    pub key: JwtKey,
    /// The claim that names the tier.
    pub tier_claim: String,
    /// Tier of a token without that claim.
    pub default_tier: Tier,
}

/// Verification key of the operator's tokens.
#[derive(Clone, Debug)]
pub enum JwtKey {
    /// Contents of `hs256_secret_file`, without trailing newlines.
    Hs256(Secret),
    /// Contents of `public_key_file`, PEM.
    PublicPem(String),
    /// `jwks_url`, fetched at start and on unknown key ids (at most once a minute).
    Jwks(String),
}

/// `[alerts]`.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// Shares of a limit or budget, rising, each in 0..=1.
    pub thresholds: Vec<f64>,
    /// Age of the oldest waiting request.
    pub queue_age: Duration,
    /// Where to post; empty: nowhere.
    pub webhook_url: String,
}

/// `[webhooks]`.
#[derive(Clone, Debug)]
pub struct Webhooks {
    /// Whether targets may be private addresses.
    pub allow_private_addresses: bool,
}

/// Log line format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// `[log]`.
#[derive(Clone, Debug)]
pub struct Log {
    /// Line format.
    pub format: LogFormat,
    /// A level, or `tracing` directives (`info,diagramd::http=debug`).
    pub level: String,
}

/// `[metrics]`.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Own listener; `None`: `/metrics` on the main one, with the token.
    pub listen: Option<SocketAddr>,
    /// Bearer token; `None` with no own listener: `/metrics` answers admins only.
    pub token: Option<Secret>,
}

/// `[retention]`.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Ended requests are deleted after this long.
    pub finished: Duration,
}
