//! From the configuration to what each part needs.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;

use crate::accounts::Accounts;
use crate::client::jwks::JwksUrl;
use crate::config::{Config, JwtKey, LogFormat, OperatorJwt, Upstream, UpstreamKind, Warning};
use crate::diagram::prompt;
use crate::domain::LaneName;
use crate::domain::job::Brief;
use crate::domain::prices::{LanePricing, ModelPrice, PriceBook};
use crate::domain::{DiagramType, Price};
use crate::http::auth::{Auth, Keys, Operator, Trust};
use crate::provider::anthropic::Anthropic;
use crate::provider::offline::Offline;
use crate::provider::openai::Openai;
use crate::provider::{ApiKey, Endpoint, Provider};
use crate::queue::{CacheRules, FillTemplate, Rules};
use crate::telemetry::logs::Format;

use super::engine::now;
use super::webhooks::{self, Addresses};

/// Limits and defaults of submissions.
pub(super) fn rules(config: &Config, templates: Arc<dyn FillTemplate>) -> Rules {
    Rules {
        tiers: config.tiers.clone(),
        max_prompt_chars: config.generation.max_prompt_chars,
        default_max_tokens: config.generation.default_max_tokens,
        max_tokens_cap: config.generation.max_tokens_cap,
        default_deadline: config.queue.default_deadline,
        max_queued: config.queue.max_queued,
        prices: prices(&config.upstreams),
        templates,
        telling: Arc::new(Addresses(webhooks::reach(config))),
        estimate_input,
        prompt_version: prompt::PROMPT_VERSION,
        coalesce: config.generation.coalesce,
        cache: config.cache.enabled.then_some(CacheRules {
            ttl: config.cache.ttl,
            bytes_max: config.cache.max_size,
            shared: config.cache.shared,
        }),
    }
}

fn estimate_input(diagram_type: DiagramType, brief: &Brief) -> u32 {
    prompt::estimate_input_tokens(&prompt::build(diagram_type, brief))
}

fn prices(upstreams: &[Upstream]) -> PriceBook {
    let pricing = |upstream: &Upstream| {
        // A server of one's own costs nothing by the token unless the operator says so.
        let free = match upstream.kind {
            UpstreamKind::Anthropic => None,
            UpstreamKind::Openai | UpstreamKind::Offline => Some(ModelPrice::flat(Price::FREE)),
        };
        LanePricing {
            lane: upstream.lane.name.clone(),
            provider: upstream.kind.name(),
            model: upstream.lane.model.clone(),
            price: upstream.price.or(free),
            fallback: if upstream.price.is_none() { free } else { None },
        }
    };
    PriceBook(upstreams.iter().map(pricing).collect())
}

/// The upstreams, by name.
///
/// # Errors
/// When an address or key cannot be used.
pub(super) fn providers(config: &Config) -> anyhow::Result<HashMap<LaneName, Arc<dyn Provider>>> {
    let provider = |upstream: &Upstream| -> anyhow::Result<Arc<dyn Provider>> {
        let endpoint = || {
            let key = upstream.api_key.as_ref().map(|key| ApiKey::new(key.expose()));
            Endpoint::new(upstream.base_url.clone(), key, now)
        };
        Ok(match upstream.kind {
            UpstreamKind::Anthropic => Arc::new(Anthropic::new(endpoint())?),
            UpstreamKind::Openai => Arc::new(Openai::new(endpoint())?),
            UpstreamKind::Offline => Arc::new(Offline),
        })
    };
    config
        .upstreams
        .iter()
        .map(|upstream| {
            let name = upstream.lane.name.clone();
            let provider =
                provider(upstream).with_context(|| format!("the upstream {name} cannot be used"))?;
            Ok((name, provider))
        })
        .collect()
}

/// How log lines are written.
pub(super) const fn log_format(config: &Config) -> Format {
    match config.log.format {
        LogFormat::Auto => Format::Auto,
        LogFormat::Text => Format::Text,
        LogFormat::Json => Format::Json,
    }
}

/// Says which upstreams serve; loudly when no model does and no warning has said so.
pub(super) fn say_upstreams(config: &Config, warnings: &[Warning]) {
    for upstream in &config.upstreams {
        tracing::info!(name = %upstream.lane.name, kind = upstream.kind.name(), model = upstream.lane.model, "an upstream is set");
    }
    let is_told = warnings.iter().any(|warning| warning.path == "upstreams");
    if !is_told && config.upstreams.iter().all(|upstream| upstream.kind == UpstreamKind::Offline) {
        tracing::warn!(
            "NO MODEL IS CONFIGURED: diagrams are drafted offline by rules. Set ANTHROPIC_API_KEY or [[upstreams]] to use one"
        );
    }
}

/// Credentials to callers.
///
/// # Errors
/// When the operator's key cannot be used.
pub(super) fn auth(config: &Config, accounts: Accounts, secret: [u8; 32]) -> anyhow::Result<Auth> {
    let operator = config.jwt.as_ref().map(operator).transpose().context("[auth.jwt] cannot be used")?;
    Ok(Auth::new(accounts, secret, operator, now))
}

fn operator(jwt: &OperatorJwt) -> anyhow::Result<Operator> {
    let keys = match &jwt.key {
        JwtKey::Hs256(secret) => Keys::secret(secret.expose().as_bytes()),
        JwtKey::PublicPem(pem) => Keys::public_pem(pem, &jwt.algorithms)?,
        JwtKey::Jwks(url) => Keys::fetched(Box::new(JwksUrl::new(url.clone())?)),
    };
    let trust = Trust {
        algorithms: jwt.algorithms.clone(),
        issuer: jwt.issuer.clone(),
        audience: jwt.audience.clone(),
        tier_claim: jwt.tier_claim.clone(),
        default_tier: jwt.default_tier,
    };
    Ok(Operator::new(keys, trust)?)
}
