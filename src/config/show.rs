//! The effective configuration as people and programs see it, secrets masked.

use std::path::Path;

use toml::Value;

use super::units::{show_duration, show_size};
use super::{AlertEmail, Config, JwtKey, Listen, Secret, Upstream};
use crate::domain::{Money, Tier, TierPolicy};

/// What stands in a secret's place.
const MASK: &str = "•••";

/// One section: its header, and its keys with their values, in the file's order.
pub(super) struct Shown {
    /// `[server]`, `[[upstreams]]`.
    header: String,
    /// `server`, `upstreams[0]`.
    pub(super) path: String,
    pub(super) keys: Vec<(&'static str, Value)>,
}

/// The effective configuration as TOML.
pub fn show(config: &Config) -> String {
    let mut text = String::new();
    for section in sections(config, &mask) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&section.header);
        text.push('\n');
        for (key, value) in &section.keys {
            text.push_str(&format!("{key} = {value}\n"));
        }
    }
    text
}

/// The effective configuration as JSON, shaped like the file.
pub fn show_json(config: &Config) -> serde_json::Value {
    let text = show(config);
    // The text was written by `toml` values just now; reading it back nests the sections.
    toml::from_str(&text).unwrap_or(serde_json::Value::Null)
}

/// Every secret as dots.
fn mask(_: &Secret) -> String {
    MASK.to_owned()
}

/// All sections; `secret` says what to show of a secret.
pub(super) fn sections(config: &Config, secret: &dyn Fn(&Secret) -> String) -> Vec<Shown> {
    let mut all = vec![server(config), storage(config), queue(config), generation(config)];
    for (index, upstream) in config.upstreams.iter().enumerate() {
        all.extend(lanes(index, upstream, secret));
    }
    all.extend(Tier::ALL.map(|tier| policy(tier, config.tiers.of(tier))));
    let cache = &config.cache;
    all.push(section(
        "cache",
        vec![
            ("enabled", cache.enabled.into()),
            ("ttl", show_duration(cache.ttl).into()),
            ("max_size", show_size(cache.max_size).into()),
            ("shared", cache.shared.into()),
        ],
    ));
    all.push(render(config));
    all.extend(jwt(config, secret));
    all.extend(operations(config, secret));
    all
}

fn section(path: &str, keys: Vec<(&'static str, Value)>) -> Shown {
    Shown { header: format!("[{path}]"), path: path.to_owned(), keys }
}

fn server(config: &Config) -> Shown {
    let server = &config.server;
    let listen = match &server.listen {
        Listen::Tcp(address) => address.to_string(),
        Listen::Unix(path) => format!("unix:{}", path.display()),
    };
    let per_minute =
        |limit: Option<std::num::NonZeroU32>| whole(limit.map_or(0, |limit| u64::from(limit.get())));
    section(
        "server",
        vec![
            ("listen", listen.into()),
            ("public_url", server.public_url.as_str().into()),
            ("data_dir", path_text(&server.data_dir)),
            ("cors_origins", texts(&server.cors_origins)),
            ("trusted_proxies", texts(&server.trusted_proxies)),
            ("max_body", show_size(server.max_body as u64).into()),
            ("max_connections", whole(server.max_connections as u64)),
            ("api_requests_per_minute", per_minute(server.api_requests_per_minute)),
            ("anonymous_requests_per_minute", per_minute(server.anonymous_requests_per_minute)),
            ("websocket_require_auth", server.websocket_require_auth.into()),
            ("shutdown_grace", show_duration(server.shutdown_grace).into()),
        ],
    )
}

fn storage(config: &Config) -> Shown {
    let url = config.storage.path.as_ref().map(|path| format!("sqlite:{}", path.display()));
    section("storage", vec![("url", url.unwrap_or_default().into())])
}

fn queue(config: &Config) -> Shown {
    let queue = &config.queue;
    section(
        "queue",
        vec![
            ("max_queued", whole(queue.max_queued)),
            ("max_attempts", whole(queue.retry.max_attempts)),
            ("retry_base", show_duration(queue.retry.base).into()),
            ("retry_cap", show_duration(queue.retry.cap).into()),
            ("default_deadline", show_duration(queue.default_deadline.unwrap_or_default()).into()),
        ],
    )
}

fn render(config: &Config) -> Shown {
    let render = &config.render;
    section(
        "render",
        vec![
            ("fonts_dir", render.fonts_dir.as_deref().map_or("".into(), path_text)),
            ("timeout", show_duration(render.timeout).into()),
            ("dot", path_text(&render.dot)),
            ("kroki_url", render.kroki_url.as_deref().unwrap_or_default().into()),
            ("kroki_timeout", show_duration(render.kroki_timeout).into()),
            ("cache_size", show_size(render.cache_size).into()),
        ],
    )
}

fn generation(config: &Config) -> Shown {
    let generation = &config.generation;
    section(
        "generation",
        vec![
            ("default_max_tokens", whole(generation.default_max_tokens)),
            ("max_tokens_cap", whole(generation.max_tokens_cap)),
            ("max_prompt_chars", whole(generation.max_prompt_chars as u64)),
            ("timeout", show_duration(generation.timeout).into()),
            ("repair_attempts", whole(generation.repair_attempts)),
            ("coalesce", generation.coalesce.into()),
            ("templates_dir", generation.templates_dir.as_deref().map_or("".into(), path_text)),
        ],
    )
}

fn lanes(index: usize, upstream: &Upstream, secret: &dyn Fn(&Secret) -> String) -> Vec<Shown> {
    let lane = &upstream.lane;
    let path = format!("upstreams[{index}]");
    let keys = vec![
        ("name", lane.name.0.as_ref().into()),
        ("kind", upstream.kind.name().into()),
        ("base_url", upstream.base_url.as_str().into()),
        ("api_key", upstream.api_key.as_ref().map(secret).unwrap_or_default().into()),
        ("model", lane.model.as_str().into()),
        ("max_concurrent", whole(lane.max_concurrent)),
        ("requests_per_minute", whole(lane.requests_per_minute)),
        ("tokens_per_minute", whole(lane.tokens_per_minute)),
        ("input_tokens_per_minute", whole(lane.input_tokens_per_minute)),
        ("output_tokens_per_minute", whole(lane.output_tokens_per_minute)),
        ("network_margin", show_duration(lane.network_margin).into()),
    ];
    let mut all = vec![Shown { header: "[[upstreams]]".to_owned(), path: path.clone(), keys }];
    if let Some(price) = upstream.price_of(&lane.model) {
        // Nano-dollars per thousand tokens are micro-dollars per million.
        let dollars = |part: i64| Value::Float(part as f64 / 1e6);
        let keys = vec![
            ("input", dollars(price.base.input)),
            ("output", dollars(price.base.output)),
            ("cache_read", dollars(price.base.cache_read)),
            ("cache_write", dollars(price.base.cache_write)),
        ];
        all.push(Shown { header: "[upstreams.price]".to_owned(), path: format!("{path}.price"), keys });
    }
    all
}

fn policy(tier: Tier, policy: &TierPolicy) -> Shown {
    let dollars = |amount: Money| Value::Float(amount.0 as f64 / 1e9);
    let mut keys = vec![
        ("requests_per_hour", whole(policy.requests_per_hour)),
        ("requests_per_day", whole(policy.requests_per_day)),
        ("max_concurrent", whole(policy.max_concurrent)),
        ("max_queued", whole(policy.max_queued)),
        ("weight", whole(policy.weight)),
        ("models", texts(&policy.models)),
        ("monthly_budget_usd", dollars(policy.monthly_budget.unwrap_or(Money::ZERO))),
    ];
    keys.extend(policy.price_usd_month.map(|price| ("price_usd_month", dollars(price))));
    keys.extend(policy.upgrade_url.as_ref().map(|url| ("upgrade_url", url.as_str().into())));
    section(&format!("tiers.{tier}"), keys)
}

fn jwt(config: &Config, secret: &dyn Fn(&Secret) -> String) -> Option<Shown> {
    let jwt = config.jwt.as_ref()?;
    let key = match &jwt.key {
        JwtKey::Hs256(key) => ("hs256_secret_file", secret(key).into()),
        JwtKey::PublicPem(pem) => ("public_key_file", pem.as_str().into()),
        JwtKey::Jwks(url) => ("jwks_url", url.as_str().into()),
    };
    Some(section(
        "auth.jwt",
        vec![
            ("issuer", jwt.issuer.as_str().into()),
            ("audience", jwt.audience.as_str().into()),
            ("algorithms", texts(&jwt.algorithms)),
            key,
            ("tier_claim", jwt.tier_claim.as_str().into()),
            ("default_tier", jwt.default_tier.name().into()),
        ],
    ))
}

fn operations(config: &Config, secret: &dyn Fn(&Secret) -> String) -> Vec<Shown> {
    let Config { alerts, webhooks, log, metrics, traces, retention, .. } = config;
    // The path of a chat service's webhook is its password.
    let webhook = if alerts.webhook_url.is_empty() {
        String::new()
    } else {
        secret(&Secret::new(alerts.webhook_url.clone()))
    };
    let mut all = vec![section(
        "alerts",
        vec![
            ("thresholds", alerts.thresholds.iter().copied().map(Value::Float).collect::<Vec<_>>().into()),
            ("queue_age", show_duration(alerts.queue_age).into()),
            ("failure_rate", Value::Float(alerts.failure_rate)),
            ("disk_free", Value::Float(alerts.disk_free)),
            ("key_expiry", show_duration(alerts.key_expiry).into()),
            ("window", show_duration(alerts.window).into()),
            ("webhook_url", webhook.into()),
            ("format", alerts.format.name().into()),
            ("secret", alerts.secret.as_ref().map(secret).unwrap_or_default().into()),
        ],
    )];
    all.extend(alerts.email.as_ref().map(|email| mail(email, secret)));
    all.extend([
        section(
            "webhooks",
            vec![
                ("allow_private_addresses", webhooks.allow_private_addresses.into()),
                ("retries", texts(&webhooks.retries.iter().copied().map(show_duration).collect::<Vec<_>>())),
                ("timeout", show_duration(webhooks.timeout).into()),
            ],
        ),
        section("log", vec![("format", log.format.name().into()), ("level", log.level.as_str().into())]),
        section(
            "metrics",
            vec![
                ("listen", metrics.listen.map(|address| address.to_string()).unwrap_or_default().into()),
                ("token", metrics.token.as_ref().map(secret).unwrap_or_default().into()),
            ],
        ),
        section(
            "traces",
            vec![
                ("endpoint", traces.endpoint.clone().unwrap_or_default().into()),
                ("headers", traces.headers.as_ref().map(secret).unwrap_or_default().into()),
                ("sample_ratio", Value::Float(traces.sample_ratio)),
                ("service_name", traces.service_name.as_str().into()),
            ],
        ),
        section(
            "retention",
            vec![
                ("finished", show_duration(retention.finished).into()),
                ("webhooks", show_duration(retention.webhooks).into()),
            ],
        ),
    ]);
    all
}

fn mail(email: &AlertEmail, secret: &dyn Fn(&Secret) -> String) -> Shown {
    section(
        "alerts.email",
        vec![
            ("host", email.host.as_str().into()),
            ("port", whole(email.port)),
            ("security", email.security.name().into()),
            ("user", email.user.as_str().into()),
            ("password", email.password.as_ref().map(secret).unwrap_or_default().into()),
            ("from", email.from.as_str().into()),
            ("to", texts(&email.to)),
        ],
    )
}

fn whole(value: impl Into<u64>) -> Value {
    Value::Integer(i64::try_from(value.into()).unwrap_or(i64::MAX))
}

fn texts(values: &[impl ToString]) -> Value {
    Value::Array(values.iter().map(|value| Value::String(value.to_string())).collect())
}

fn path_text(path: &Path) -> Value {
    Value::String(path.display().to_string())
}
