//! `[server]` and `[storage]`: where to listen, whom to believe, where the data lies.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use super::address;
use super::reader::Section;

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

/// The most entries of `cors_origins` and of `trusted_proxies`.
const LIST_MAX: usize = 256;

impl Server {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let per_minute = |key, default| NonZeroU32::new(section.integer(key, default, 0..=1_000_000_000));
        let default_listen = Listen::Tcp(SocketAddr::from(([127, 0, 0, 1], 3000)));
        if section.get("listen").is_some() && !section.is_set("listen") {
            section.fault("listen", "is empty; expected host:port or unix:/path");
        }
        Self {
            listen: section.parsed("listen", address::listen).unwrap_or(default_listen),
            public_url: section.parsed("public_url", address::base_url).unwrap_or_default(),
            data_dir: section
                .parsed("data_dir", |text| Ok(PathBuf::from(text)))
                .unwrap_or_else(|| PathBuf::from("./diagramd-data")),
            cors_origins: section.list("cors_origins", LIST_MAX, address::origin).unwrap_or_default(),
            trusted_proxies: section.list("trusted_proxies", LIST_MAX, address::network).unwrap_or_default(),
            max_body: section
                .size("max_body", 256 << 10, 1 << 10..=16 << 20)
                .try_into()
                .unwrap_or(usize::MAX),
            max_connections: section.integer("max_connections", 10_000, 1..=1_000_000),
            api_requests_per_minute: per_minute("api_requests_per_minute", 1200),
            anonymous_requests_per_minute: per_minute("anonymous_requests_per_minute", 600),
            websocket_require_auth: section.flag("websocket_require_auth", false),
            shutdown_grace: section.duration(
                "shutdown_grace",
                Duration::from_secs(20),
                Duration::ZERO..=Duration::from_secs(3600),
            ),
        }
    }
}

impl Storage {
    pub(super) fn read(section: &Section<'_>) -> Self {
        Self { path: section.parsed("url", sqlite_path) }
    }
}

fn sqlite_path(text: &str) -> Result<PathBuf, String> {
    if text.starts_with("postgres:") || text.starts_with("postgresql:") {
        return Err("is a PostgreSQL store: PostgreSQL is not supported by this version; expected \"\" or \"sqlite:/path\"".to_owned());
    }
    let wrong = "is not a store; expected \"\" (a file in the data directory) or \"sqlite:/path\"";
    let path = text.strip_prefix("sqlite:").ok_or(wrong)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.is_empty() || path.starts_with(':') || path.ends_with('/') {
        return Err(wrong.to_owned());
    }
    Ok(PathBuf::from(path))
}
