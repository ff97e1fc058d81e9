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
/// Limits of callers that change while the server runs.
const LIVE_SERVER_KEYS: [&str; 2] = ["api_requests_per_minute", "anonymous_requests_per_minute"];

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
        || (key.starts_with("server.") && LIVE_SERVER_KEYS.contains(&last))
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
}
