//! From the configuration to what each part needs.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{Config, Upstream, UpstreamKind};
use crate::diagram::prompt;
use crate::domain::LaneName;
use crate::domain::prices::{LanePricing, ModelPrice, PriceBook};
use crate::domain::{DiagramType, Price};
use crate::domain::job::Brief;
use crate::provider::Provider;
use crate::queue::Rules;

use super::engine::now;

/// The protocol's name, the `provider` of status answers.
pub(super) const fn protocol(kind: UpstreamKind) -> &'static str {
    match kind {
        UpstreamKind::Anthropic => "anthropic",
        UpstreamKind::Openai => "openai",
        UpstreamKind::Offline => "offline",
    }
}

/// Limits and defaults of submissions.
pub(super) fn rules(config: &Config) -> Rules {
    Rules {
        tiers: config.tiers.clone(),
        max_prompt_chars: config.generation.max_prompt_chars,
        default_max_tokens: config.generation.default_max_tokens,
        max_tokens_cap: config.generation.max_tokens_cap,
        default_deadline: config.queue.default_deadline,
        max_queued: config.queue.max_queued,
        prices: prices(&config.upstreams),
        estimate_input,
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
            provider: protocol(upstream.kind),
            model: upstream.lane.model.clone(),
            price: upstream.price.or(free),
        }
    };
    PriceBook(upstreams.iter().map(pricing).collect())
}
