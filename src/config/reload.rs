//! SIGHUP: which keys may change while the server runs, and which need a restart.

use std::collections::BTreeMap;

use super::Config;
use super::show;

/// Sections that change while the server runs.
const LIVE_SECTIONS: [&str; 4] = ["tiers.", "alerts", "cache", "log"];
/// Limits of upstreams that change while the server runs.
const LIVE_LANE_KEYS: [&str; 6] = [
    "max_concurrent",
    "requests_per_minute",
    "tokens_per_minute",
    "input_tokens_per_minute",
    "output_tokens_per_minute",
    "network_margin",
];
/// Other limits that change while the server runs.
const LIVE_KEYS: [&str; 8] = [
    "server.api_requests_per_minute",
    "server.anonymous_requests_per_minute",
    "queue.max_queued",
    "queue.default_deadline",
    "generation.default_max_tokens",
    "generation.max_tokens_cap",
    "generation.max_prompt_chars",
    "generation.coalesce",
];

/// The keys that differ and only take effect after a restart, sorted; for the log.
pub fn needs_restart(old: &Config, new: &Config) -> Vec<String> {
    let (old, new) = (keys(old), keys(new));
    let mut all: Vec<&String> = old.keys().chain(new.keys()).collect();
    all.sort();
    all.dedup();
    all.into_iter().filter(|key| old.get(*key) != new.get(*key) && !is_live(key)).cloned().collect()
}

/// `old` with everything of `new` that may change while the server runs. An upstream keeps its
/// place; limits of upstreams that `old` does not have wait for a restart.
pub fn merged(old: &Config, new: &Config) -> Config {
    let mut merged = old.clone();
    merged.tiers = new.tiers.clone();
    merged.alerts = new.alerts.clone();
    merged.cache = new.cache.clone();
    merged.log = new.log.clone();
    merged.server.api_requests_per_minute = new.server.api_requests_per_minute;
    merged.server.anonymous_requests_per_minute = new.server.anonymous_requests_per_minute;
    merged.queue.max_queued = new.queue.max_queued;
    merged.queue.default_deadline = new.queue.default_deadline;
    merged.generation.default_max_tokens = new.generation.default_max_tokens;
    merged.generation.max_tokens_cap = new.generation.max_tokens_cap;
    merged.generation.max_prompt_chars = new.generation.max_prompt_chars;
    merged.generation.coalesce = new.generation.coalesce;
    for upstream in &mut merged.upstreams {
        if let Some(changed) = new.upstreams.iter().find(|other| other.lane.name == upstream.lane.name) {
            let model = std::mem::take(&mut upstream.lane.model);
            upstream.lane = changed.lane.clone();
            upstream.lane.model = model;
        }
    }
    merged
}

/// Every key with its value as text, secrets in the clear: for comparing, never for showing.
fn keys(config: &Config) -> BTreeMap<String, String> {
    let sections = show::sections(config, &|secret| secret.expose().to_owned());
    sections
        .iter()
        .flat_map(|section| {
            section.keys.iter().map(|(key, value)| (format!("{}.{key}", section.path), value.to_string()))
        })
        .collect()
}

fn is_live(key: &str) -> bool {
    let last = key.rsplit('.').next().unwrap_or_default();
    LIVE_SECTIONS.iter().any(|section| key.starts_with(section))
        || (key.starts_with("upstreams[") && LIVE_LANE_KEYS.contains(&last))
        || LIVE_KEYS.contains(&key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn limits_change_live_and_the_rest_is_listed() {
        let old = Config::default();
        let mut new = old.clone();
        new.tiers.0[0].requests_per_hour = 7;
        new.upstreams[0].lane.requests_per_minute = 9;
        new.upstreams[0].api_key = Some(Secret::new("k".to_owned()));
        new.server.max_connections = 5;
        assert_eq!(needs_restart(&old, &new), ["server.max_connections", "upstreams[0].api_key"]);
        let merged = merged(&old, &new);
        assert_eq!(merged.tiers.0[0].requests_per_hour, 7);
        assert_eq!(merged.upstreams[0].lane.requests_per_minute, 9);
        assert_eq!(merged.server.max_connections, 10_000);
    }

    #[test]
    fn what_is_called_live_is_merged_and_nothing_else() {
        let old = Config::default();
        let mut new = old.clone();
        new.server.api_requests_per_minute = None;
        new.server.anonymous_requests_per_minute = None;
        new.queue.max_queued = 1;
        new.queue.default_deadline = Some(std::time::Duration::from_secs(9));
        new.queue.retry.max_attempts = 1;
        new.generation.default_max_tokens = 1;
        new.generation.max_tokens_cap = 2;
        new.generation.max_prompt_chars = 3;
        new.generation.coalesce = false;
        new.generation.repair_attempts = 0;
        new.alerts.queue_age = std::time::Duration::from_secs(9);
        new.cache.enabled = false;
        new.log.level = "debug".to_owned();
        new.log.format = crate::config::LogFormat::Text;
        new.upstreams[0].lane.network_margin = std::time::Duration::ZERO;
        let waiting = ["generation.repair_attempts", "queue.max_attempts"];
        assert_eq!(needs_restart(&old, &new), waiting);
        assert_eq!(needs_restart(&merged(&old, &new), &new), waiting, "the rest is in force");
        let (merged, new) = (keys(&merged(&old, &new)), keys(&new));
        let differ: Vec<&String> = new.keys().filter(|key| merged.get(*key) != new.get(*key)).collect();
        assert_eq!(differ, waiting, "what is live is merged");
    }
}
