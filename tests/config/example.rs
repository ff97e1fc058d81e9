//! `config.toml.example`: every key of the code and no other, and the defaults.

use std::collections::BTreeSet;

use diagramd::config::{Config, LoadOptions, Loaded, default_toml, known_keys, show};
use toml::Value;

use crate::binary::Place;

/// The example with its commented keys and sections in force.
fn everything() -> toml::Table {
    uncommented(default_toml()).parse().unwrap()
}

/// Prose begins with `# `, a key or a section with `#` alone.
fn uncommented(text: &str) -> String {
    let key = |line: &str| line.starts_with('[') || line.starts_with(|c: char| c.is_ascii_lowercase());
    let lines = text.lines().map(|line| line.strip_prefix('#').filter(|rest| key(rest)).unwrap_or(line));
    lines.collect::<Vec<_>>().join("\n")
}

fn leaves(value: &Value, path: &str, found: &mut BTreeSet<String>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                leaves(value, &path, found);
            }
        }
        Value::Array(list) if list.iter().any(Value::is_table) => {
            list.iter().for_each(|element| leaves(element, &format!("{path}[*]"), found));
        }
        _ => assert!(found.insert(path.to_owned()), "{path} stands there twice"),
    }
}

#[test]
fn it_has_every_key_of_the_code_and_no_other() {
    let mut written = BTreeSet::new();
    leaves(&Value::Table(everything()), "", &mut written);
    let known = known_keys();
    let is_section = |key: &String| {
        let below = [format!("{key}."), format!("{key}[*]")];
        known.iter().any(|other| below.iter().any(|below| other.starts_with(below)))
    };
    let known: BTreeSet<String> = known.iter().filter(|key| !is_section(key)).cloned().collect();
    let missing: Vec<_> = known.difference(&written).collect();
    let invented: Vec<_> = written.difference(&known).collect();
    assert!(missing.is_empty(), "config.toml.example lacks {missing:?}");
    assert!(invented.is_empty(), "nothing reads {invented:?} of config.toml.example");
    assert!(known.len() > 60, "the comparison is about something: {}", known.len());
}

#[test]
fn as_it_stands_it_equals_the_defaults() {
    let place = Place::with(default_toml());
    let loaded = load(&place, &[]);
    assert_eq!(show(&loaded.config), show(&Config::default()));
    assert_eq!(place.run(&["config", "default"]).out, default_toml());
}

#[test]
fn its_upstream_equals_what_the_key_alone_gives() {
    let key = [("ANTHROPIC_API_KEY", "sk-of-the-environment")];
    let (before, after) = default_toml().split_once("#[[upstreams]]").unwrap();
    let (section, after) = after.split_once("\n[tiers.free]").unwrap();
    let section = uncommented(&format!("#[[upstreams]]{section}"));
    let written = Place::with(&format!("{before}{section}\n[tiers.free]{after}"));
    let loaded = load(&written, &key);
    assert_eq!(loaded.config.upstreams[0].kind.name(), "anthropic");
    assert_eq!(show(&loaded.config), show(&load(&Place::new(), &key).config));
}

#[test]
fn its_commented_values_are_the_defaults_of_their_sections() {
    let table = everything();
    let jwt = &table["auth"]["jwt"];
    assert_eq!(jwt["algorithms"], Value::Array(vec!["RS256".into()]));
    assert_eq!((&jwt["tier_claim"], &jwt["default_tier"]), (&"tier".into(), &"free".into()));
    let place =
        Place::with("[auth.jwt]\nissuer = \"i\"\naudience = \"a\"\njwks_url = \"https://a.example/keys\"\n");
    let jwt = load(&place, &[]).config.jwt.unwrap();
    assert_eq!((jwt.algorithms[0].as_str(), jwt.tier_claim.as_str()), ("RS256", "tier"));
    assert_eq!(jwt.default_tier.name(), "free");
}

fn load(place: &Place, environment: &[(&str, &str)]) -> Loaded {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let loaded = Config::load(LoadOptions {
        fallback_file: Some(place.path("config.toml")),
        environment: environment.collect(),
        ..LoadOptions::default()
    });
    loaded.unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn the_readme_shows_what_is_printed() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```mermaid\n").unwrap();
    let (shown, _) = rest.split_once("```").unwrap();
    let (_, prompt) = readme.split_once("-- generate \"").unwrap();
    let (prompt, _) = prompt.split_once('"').unwrap();
    assert_eq!(Place::new().run(&["generate", prompt]).out, shown);
}
