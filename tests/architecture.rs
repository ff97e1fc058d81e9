//! The arrows between rooms: who may use whom. `ARCHITECTURE.md` is the map in words.

// A test that cannot go on fails where it stands.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Room, and the rooms it may use.
const ALLOWED: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("config", &["domain"]),
    ("store", &["domain"]),
    ("accounts", &["domain", "store"]),
    ("events", &["domain"]),
    ("queue", &["domain", "store", "events"]),
    ("scheduler", &["domain", "queue"]),
    ("provider", &["domain"]),
    ("diagram", &["domain"]),
    ("worker", &["domain", "provider", "diagram", "queue", "events"]),
    ("webhooks", &["domain", "store"]),
    ("http", &["domain", "queue", "store", "events", "diagram", "config", "accounts", "webhooks"]),
    ("alerts", &["domain", "store", "events", "webhooks"]),
    ("telemetry", &[]),
    ("client", &["domain", "http", "diagram", "telemetry"]),
    // The command line and the composition root know everybody.
    ("cli", &["domain", "config", "accounts", "client", "app"]),
    (
        "app",
        &[
            "domain",
            "config",
            "store",
            "accounts",
            "events",
            "queue",
            "scheduler",
            "provider",
            "diagram",
            "worker",
            "webhooks",
            "http",
            "alerts",
            "telemetry",
            "client",
        ],
    ),
];

/// Crates that may be named in one room only.
const CAGED: &[(&str, &[&str])] =
    &[("rusqlite", &["store"]), ("reqwest", &["provider", "webhooks", "client"])];

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Code without its comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn no_arrow_goes_where_the_map_forbids_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut faults = Vec::new();
    let mut rooms = BTreeSet::new();
    for (room, allowed) in ALLOWED {
        let mut found = Vec::new();
        files(&src.join(room), &mut found);
        rooms.insert((*room).to_owned());
        for path in found {
            let code = code(&path);
            for part in code.split("crate::").skip(1) {
                let used: String = part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                if used != *room && !allowed.contains(&used.as_str()) && !used.is_empty() {
                    faults.push(format!("{}: {room} must not use {used}", path.display()));
                }
            }
            for (name, cages) in CAGED {
                if code.contains(&format!("{name}::")) && !cages.contains(room) {
                    faults.push(format!("{}: {name} must not leave {cages:?}", path.display()));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let there: BTreeSet<String> = std::fs::read_dir(&src)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(there, rooms, "every room stands in the table");
}
