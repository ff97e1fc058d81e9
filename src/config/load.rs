//! Flags over environment over file over defaults -> one validated configuration, or every fault.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::fault::{Fault, Faults, Origin, Warning};
use super::node::{Node, Table, Value, overlay};
use super::reader::{Pass, Section, rooted};
use super::{
    Alerts, Cache, Config, Generation, Log, Metrics, QueueConfig, Render, Retention, Server, Storage, Traces,
    Upstream, UpstreamKind, Webhooks,
};
use super::{environment, file, jwt, tiers, unknown, upstream};

/// Where a configuration is put together from. Nothing else is looked at: the caller passes the
/// environment in.
#[derive(Clone, Default)]
pub struct LoadOptions {
    /// `--config`; one that does not exist is a fault. `None`: what `DIAGRAMD_CONFIG` names.
    pub file: Option<PathBuf>,
    /// Read when it exists and no file was named (`config.toml` in the working directory).
    pub fallback_file: Option<PathBuf>,
    /// Every environment variable.
    pub environment: BTreeMap<String, String>,
    /// Values of flags.
    pub overrides: Vec<Override>,
    /// `--dev`: upstreams that need a key and have none are left out; the offline lane serves
    /// when none is left.
    pub dev: bool,
}

/// A key set by a flag.
#[derive(Clone, Debug)]
pub struct Override {
    /// `server.listen`.
    pub path: &'static str,
    /// The value, as the flag was given.
    pub value: String,
    /// `--listen`, for messages.
    pub flag: &'static str,
}

/// A configuration and how it came about.
#[derive(Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What the operator should know.
    pub warnings: Vec<Warning>,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    options: LoadOptions,
}

impl Loaded {
    /// Reads everything again from the same places, for SIGHUP: the file may have changed, the
    /// environment and the flags have not.
    pub fn again(&self) -> Result<Self, Faults> {
        let options = LoadOptions { file: self.file.clone(), ..self.options.clone() };
        Config::load(options)
    }
}

impl Config {
    /// Puts a configuration together; all faults at once.
    pub fn load(options: LoadOptions) -> Result<Loaded, Faults> {
        Self::load_with(options, |_| Vec::new())
    }

    /// As [`Config::load`], with what else somebody finds wrong: `look` gets the configuration with
    /// defaults in the place of values that are faulty, so that all can be told at once.
    pub fn load_with(options: LoadOptions, look: impl FnOnce(&Self) -> Vec<Fault>) -> Result<Loaded, Faults> {
        let found = named_file(&options);
        let mut faults = Vec::new();
        let mut table = match &found {
            Some(path) => file::read(path)?,
            None => Table::new(),
        };
        let variables = environment::tree(options.environment.iter(), &mut faults);
        overlay(&mut table, variables, "", &mut faults);
        overlay(&mut table, flags(&options.overrides), "", &mut faults);
        let (mut config, mut warnings) = read(table, &options.environment, faults, look)?;
        if options.dev {
            leave_out_keyless(&mut config, &mut warnings);
            // A developer's receiver runs beside the server.
            config.webhooks.allow_private_addresses = true;
        }
        Ok(Loaded { config, warnings, file: found, options })
    }
}

impl Default for Config {
    /// The documented defaults, with the offline lane.
    fn default() -> Self {
        let environment = BTreeMap::new();
        let root = rooted(Table::new());
        let pass = Pass::new(&environment);
        sections(&pass.root(&root))
    }
}

/// Every key there is, list indexes as `[*]`; sections and lists of sections among them.
pub fn known_keys() -> BTreeSet<String> {
    let environment = BTreeMap::new();
    let root = rooted(Table::new());
    let pass = Pass::new(&environment);
    sections(&pass.root(&root));
    pass.known.into_inner()
}

fn named_file(options: &LoadOptions) -> Option<PathBuf> {
    let variable =
        || options.environment.get("DIAGRAMD_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
    let fallback = || options.fallback_file.clone().filter(|path| Path::exists(path));
    options.file.clone().or_else(variable).or_else(fallback)
}

fn flags(overrides: &[Override]) -> Table {
    let mut table = Table::new();
    for Override { path, value, flag } in overrides {
        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
        let node = Node { value: Value::Loose(value.clone()), origin: Origin::Flag((*flag).to_owned()) };
        environment::insert(&mut table, &path, node);
    }
    table
}

fn leave_out_keyless(config: &mut Config, warnings: &mut Vec<Warning>) {
    let is_keyless =
        |upstream: &Upstream| upstream.kind == UpstreamKind::Anthropic && upstream.api_key.is_none();
    if !config.upstreams.iter().any(is_keyless) {
        return;
    }
    config.upstreams.retain(|upstream| !is_keyless(upstream));
    let mut message = "upstreams without a key are left out, because of --dev".to_owned();
    if config.upstreams.is_empty() {
        config.upstreams = Config::default().upstreams;
        message.push_str("; the offline lane answers by simple rules, without a model");
    }
    warnings.retain(|warning| !warning.path.starts_with("upstreams"));
    warnings.push(Warning { path: "upstreams".to_owned(), message });
}

fn read(
    table: Table,
    environment: &BTreeMap<String, String>,
    mut faults: Vec<Fault>,
    look: impl FnOnce(&Config) -> Vec<Fault>,
) -> Result<(Config, Vec<Warning>), Faults> {
    let root = rooted(table);
    let pass = Pass::new(environment);
    let config = sections(&pass.root(&root));
    faults.append(&mut pass.faults.take());
    if let Value::Table(table) = &root.value {
        faults.append(&mut unknown::faults(table, &pass.known.borrow()));
    }
    faults.append(&mut look(&config));
    if faults.is_empty() { Ok((config, pass.warnings.take())) } else { Err(Faults::new(faults)) }
}

fn sections(root: &Section<'_>) -> Config {
    let config = Config {
        server: Server::read(&root.section("server")),
        storage: Storage::read(&root.section("storage")),
        queue: QueueConfig::read(&root.section("queue")),
        generation: Generation::read(&root.section("generation")),
        upstreams: upstream::read(root),
        tiers: tiers::read(&root.section("tiers")),
        cache: Cache::read(&root.section("cache")),
        render: Render::read(&root.section("render")),
        jwt: jwt::read(&root.section("auth").section("jwt")),
        alerts: Alerts::read(&root.section("alerts")),
        webhooks: Webhooks::read(&root.section("webhooks")),
        log: Log::read(&root.section("log")),
        metrics: Metrics::read(&root.section("metrics")),
        traces: Traces::read(&root.section("traces")),
        retention: Retention::read(&root.section("retention")),
    };
    check_together(root, &config);
    config
}

/// What no section can see by itself.
fn check_together(root: &Section<'_>, config: &Config) {
    let cap = u64::from(config.generation.max_tokens_cap);
    for (index, upstream) in config.upstreams.iter().enumerate() {
        for (key, limit) in [
            ("tokens_per_minute", upstream.lane.tokens_per_minute),
            ("output_tokens_per_minute", upstream.lane.output_tokens_per_minute),
        ] {
            if limit > 0 && limit < cap {
                let message = format!(
                    "{limit} is less than generation.max_tokens_cap, which is {cap}: a request for more tokens than the limit can never be sent"
                );
                root.warn(&format!("upstreams[{index}].{key}"), message);
            }
        }
    }
}
