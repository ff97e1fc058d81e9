//! `DIAGRAMD_…` variables -> the raw tree, mechanically: the key path in capitals, its parts
//! joined by two underscores, list elements by number.

use super::fault::{Fault, Origin};
use super::file;
use super::node::{Node, Table, Value};

/// What every variable of ours begins with.
const PREFIX: &str = "DIAGRAMD_";

/// Variables with a meaning of their own: the configuration file, the client's key and server,
/// the tests' build directory.
const RESERVED: [&str; 4] = ["DIAGRAMD_CONFIG", "DIAGRAMD_KEY", "DIAGRAMD_URL", "DIAGRAMD_TARGET"];

/// Keys whose value is a list, so that `[` in a variable opens one.
const LISTS: [&str; 6] =
    ["upstreams", "cors_origins", "trusted_proxies", "models", "algorithms", "thresholds"];

/// The tree of all `DIAGRAMD_` variables in `environment`. Two variables that exclude each other
/// (`DIAGRAMD_SERVER` and `DIAGRAMD_SERVER__LISTEN`) are a fault.
pub(super) fn tree<'a>(
    environment: impl Iterator<Item = (&'a String, &'a String)>,
    faults: &mut Vec<Fault>,
) -> Table {
    let mut root = Table::new();
    for (variable, value) in environment {
        let Some(rest) = variable.strip_prefix(PREFIX) else { continue };
        if RESERVED.contains(&variable.as_str()) || is_service_link(rest) {
            continue;
        }
        let path: Vec<String> = rest.split("__").map(str::to_lowercase).collect();
        let origin = Origin::Environment(variable.clone());
        let node = leaf(path.last().map_or("", String::as_str), value, origin.clone());
        if !insert(&mut root, &path, node) {
            faults.push(Fault {
                path: path.join("."),
                message: "is set both as a whole and key by key; keep one of the two".to_owned(),
                origin: Some(origin),
            });
        }
    }
    root
}

/// Kubernetes puts `DIAGRAMD_PORT`, `DIAGRAMD_SERVICE_HOST` and the like into every pod beside a
/// service called `diagramd`; they are not meant for us.
fn is_service_link(rest: &str) -> bool {
    rest == "PORT"
        || rest.starts_with("PORT_")
        || rest.starts_with("SERVICE_HOST")
        || rest.starts_with("SERVICE_PORT")
}

fn leaf(key: &str, text: &str, origin: Origin) -> Node {
    let text = text.trim();
    if !LISTS.contains(&key) {
        return Node { value: Value::Loose(text.to_owned()), origin };
    }
    if text.starts_with('[') {
        let value =
            file::parse_list(text, &origin).map_or_else(|| Value::Loose(text.to_owned()), Value::List);
        return Node { value, origin };
    }
    let elements = text.split(',').map(str::trim).filter(|element| !element.is_empty());
    let list = elements
        .map(|element| Node { value: Value::Loose(element.to_owned()), origin: origin.clone() })
        .collect();
    Node { value: Value::List(list), origin }
}

/// Puts `node` at `path`; false when something is there already or stands in the way.
pub(super) fn insert(root: &mut Table, path: &[String], node: Node) -> bool {
    let [key, rest @ ..] = path else { return false };
    if rest.is_empty() {
        return root.insert(key.clone(), node).is_none();
    }
    let below = root
        .entry(key.clone())
        .or_insert_with(|| Node { value: Value::Table(Table::new()), origin: node.origin.clone() });
    match &mut below.value {
        Value::Table(table) => insert(table, rest, node),
        _ => false,
    }
}
