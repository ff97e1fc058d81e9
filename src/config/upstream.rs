//! `[[upstreams]]`: who makes the diagrams, and how much may be asked of each.

use std::collections::BTreeSet;
use std::time::Duration;

use super::address;
use super::price;
use super::reader::Section;
use super::secret::{self, Secret};
use super::tiers::model_name;
use crate::domain::Price;
use crate::domain::lane::{LaneName, LaneSpec};
use crate::domain::prices::{ModelPrice, built_in};

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

impl UpstreamKind {
    /// The name used in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::Openai => "openai",
            Self::Offline => "offline",
        }
    }
}

/// One `[[upstreams]]` entry.
#[derive(Clone, Debug)]
pub struct Upstream {
    /// Protocol.
    pub kind: UpstreamKind,
    /// Without a slash at the end, and without `/v1`; empty for the offline kind.
    pub base_url: String,
    /// The key; `None` for servers that need none.
    pub api_key: Option<Secret>,
    /// What the scheduler needs: name, model, limits.
    pub lane: LaneSpec,
    /// A configured price; `None`: the built-in table (free for offline and openai kinds).
    pub price: Option<ModelPrice>,
}

impl Upstream {
    /// What `model` costs here: the configured price, else nothing for the openai and offline
    /// kinds, else the built-in table. `None`: unknown, to be flagged and never counted as $0.
    pub fn price_of(&self, model: &str) -> Option<ModelPrice> {
        self.price.or_else(|| match self.kind {
            UpstreamKind::Anthropic => built_in(model),
            UpstreamKind::Openai | UpstreamKind::Offline => Some(ModelPrice::flat(Price::FREE)),
        })
    }
}

/// The most upstreams.
const UPSTREAMS_MAX: usize = 16;
/// The plans that have a name, each with its requests and its tokens a minute, the smallest first.
pub const PLANS: [(&str, (u64, u64)); 2] = [("5x", (25, 200_000)), ("20x", (100, 800_000))];
/// Where Anthropic's API is; the only place `ANTHROPIC_API_KEY` is ever sent to.
const ANTHROPIC_URL: &str = "https://api.anthropic.com";
/// The default model of the anthropic kind.
const ANTHROPIC_MODEL: &str = "claude-sonnet-5-5";
/// The variable that gives the anthropic kind its key.
const ANTHROPIC_VARIABLE: &str = "ANTHROPIC_API_KEY";
/// Ollama's own address, the default of the openai kind.
const OLLAMA_URL: &str = "http://127.0.0.1:11434";

/// Reads the list. Without one, `ANTHROPIC_API_KEY` in the environment gives the anthropic lane
/// and its absence the offline lane.
pub(super) fn read(root: &Section<'_>) -> Vec<Upstream> {
    let sections = root.sections("upstreams", UPSTREAMS_MAX);
    if sections.is_empty() {
        return vec![unconfigured(root)];
    }
    let mut names = BTreeSet::new();
    let mut upstreams = Vec::new();
    for section in &sections {
        let upstream = entry(section, UpstreamKind::Anthropic);
        if !names.insert(upstream.lane.name.clone()) {
            section.fault(
                "name",
                format!("{:?} is the name of another upstream; expected unique names", upstream.lane.name.0),
            );
        }
        upstreams.push(upstream);
    }
    upstreams
}

fn unconfigured(root: &Section<'_>) -> Upstream {
    // An absent section reads as its defaults, so the two lanes cannot differ from written ones.
    let absent = root.absent("upstreams[0]");
    if anthropic_key(root).is_some() {
        return entry(&absent, UpstreamKind::Anthropic);
    }
    root.warn(
        "upstreams",
        "no [[upstreams]] and no ANTHROPIC_API_KEY: the offline lane answers by simple rules, without a model; \
         set ANTHROPIC_API_KEY or write an [[upstreams]] section",
    );
    entry(&absent, UpstreamKind::Offline)
}

fn entry(section: &Section<'_>, default_kind: UpstreamKind) -> Upstream {
    let kinds = [UpstreamKind::Anthropic, UpstreamKind::Openai, UpstreamKind::Offline];
    let kind = section.choice("kind", default_kind, &kinds.map(|kind| (kind.name(), kind)));
    let base_url = match kind {
        UpstreamKind::Anthropic => ANTHROPIC_URL,
        UpstreamKind::Openai => OLLAMA_URL,
        UpstreamKind::Offline => "",
    };
    let base_url = section.parsed("base_url", address::base_url).unwrap_or_else(|| base_url.to_owned());
    let base_url = base_url.strip_suffix("/v1").unwrap_or(&base_url).to_owned();
    let model = model(section, kind);
    let upstream = Upstream {
        kind,
        api_key: api_key(section, kind, &base_url),
        base_url,
        price: price::read(&section.section("price"), &model),
        lane: lane(section, kind, model),
    };
    if upstream.price_of(&upstream.lane.model).is_none() {
        let model = &upstream.lane.model;
        section.warn("price", format!("the price of {model:?} is unknown: its cost is flagged, not counted as $0; set price.input and price.output"));
    }
    upstream
}

fn model(section: &Section<'_>, kind: UpstreamKind) -> String {
    let given = section.parsed("model", model_name);
    match kind {
        UpstreamKind::Anthropic => given.unwrap_or_else(|| ANTHROPIC_MODEL.to_owned()),
        UpstreamKind::Offline => given.unwrap_or_else(|| "offline".to_owned()),
        UpstreamKind::Openai => given.unwrap_or_else(|| {
            if !section.is_set("model") {
                section
                    .fault("model", "is missing; an upstream of kind openai needs one, such as \"llama3.2\"");
            }
            String::new()
        }),
    }
}

fn api_key(section: &Section<'_>, kind: UpstreamKind, base_url: &str) -> Option<Secret> {
    let given = secret::read(section, "api_key");
    let is_given = ["api_key", "api_key_file", "api_key_env"].iter().any(|key| section.is_set(key));
    if kind != UpstreamKind::Anthropic || is_given {
        return given;
    }
    let fallback = if base_url == ANTHROPIC_URL { anthropic_key(section) } else { None };
    if fallback.is_none() {
        section.warn("api_key", "is not set: the upstream will refuse every call unless it needs no key; set api_key, api_key_file or api_key_env");
    }
    fallback
}

fn anthropic_key(section: &Section<'_>) -> Option<Secret> {
    let value = section.pass.environment.get(ANTHROPIC_VARIABLE)?.trim();
    (!value.is_empty()).then(|| Secret::new(value.to_owned()))
}

fn lane(section: &Section<'_>, kind: UpstreamKind, model: String) -> LaneSpec {
    let name = section.parsed("name", lane_name).unwrap_or_else(|| kind.name().to_owned());
    let [smallest, larger] = PLANS.map(|(name, limits)| (name, Some(limits)));
    let unplanned = if kind == UpstreamKind::Anthropic { PLANS[0].1 } else { (0, 0) };
    let plans = [("", None), smallest, larger];
    let (requests, tokens) = section.choice("plan", None, &plans).unwrap_or(unplanned);
    let per_minute = |key, default| section.integer::<u64>(key, default, 0..=1_000_000_000_000);
    LaneSpec {
        name: LaneName::from(name.as_str()),
        model,
        max_concurrent: section.integer("max_concurrent", 8, 1..=1000),
        requests_per_minute: per_minute("requests_per_minute", requests),
        tokens_per_minute: per_minute("tokens_per_minute", tokens),
        input_tokens_per_minute: per_minute("input_tokens_per_minute", 0),
        output_tokens_per_minute: per_minute("output_tokens_per_minute", 0),
        network_margin: section.duration(
            "network_margin",
            Duration::from_secs(1),
            Duration::ZERO..=Duration::from_secs(60),
        ),
    }
}

fn lane_name(text: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.len() > 64 || !text.chars().all(plain) {
        return Err("is not a name; expected 1 to 64 letters, digits, '-', '_' or '.'".to_owned());
    }
    Ok(text.to_owned())
}
