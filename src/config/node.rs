//! The raw tree that file, environment and flags are laid into, each value with its origin.
//! Nothing here knows a key's meaning.

use std::collections::BTreeMap;

use super::address::has_credentials;
use super::fault::{Fault, Origin};

/// A value before anybody has looked at it.
#[derive(Clone)]
pub(super) enum Value {
    /// TOML text.
    Text(String),
    /// TOML number, as decimal text without underscores.
    Number(String),
    /// TOML boolean.
    Bool(bool),
    /// TOML date or time; no key takes one.
    Date(String),
    /// From environment or flag: text that the key's type decides about.
    Loose(String),
    /// Values in order.
    List(Vec<Node>),
    /// A section.
    Table(Table),
}

/// Keys and their values.
pub(super) type Table = BTreeMap<String, Node>;

/// A value and where it came from.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Node {
    /// The value as a message shows it; long text is cut. Never call it for a secret.
    pub(super) fn shown(&self) -> String {
        const CHARS_MAX: usize = 60;
        match &self.value {
            Value::Text(text) | Value::Loose(text) if has_credentials(text) => "the URL".to_owned(),
            Value::Text(text) | Value::Loose(text) if text.chars().count() > CHARS_MAX => {
                format!("{:?}…", text.chars().take(CHARS_MAX).collect::<String>())
            }
            Value::Text(text) | Value::Loose(text) => format!("{text:?}"),
            Value::Number(text) | Value::Date(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::List(_) => "a list".to_owned(),
            Value::Table(_) => "a section".to_owned(),
        }
    }
}

/// Lays `upper` over `lower`: sections merge, everything else of `upper` wins. A section whose
/// keys are all numbers changes the elements of a list (`DIAGRAMD_UPSTREAMS__0__MODEL`).
pub(super) fn overlay(lower: &mut Table, upper: Table, path: &str, faults: &mut Vec<Fault>) {
    for (key, node) in upper {
        let path = join(path, &key);
        merge(lower, key, node, &path, faults);
    }
}

fn merge(lower: &mut Table, key: String, node: Node, path: &str, faults: &mut Vec<Fault>) {
    let Value::Table(table) = node.value else {
        lower.insert(key, node);
        return;
    };
    if table.keys().next().is_some_and(|key| key.parse::<usize>().is_ok()) {
        let below = lower
            .entry(key)
            .or_insert_with(|| Node { value: Value::List(Vec::new()), origin: node.origin.clone() });
        if !matches!(below.value, Value::List(_)) {
            below.value = Value::List(Vec::new());
        }
        if let Value::List(list) = &mut below.value {
            overlay_elements(list, table, path, faults);
        }
        return;
    }
    let below = lower
        .entry(key)
        .or_insert_with(|| Node { value: Value::Table(Table::new()), origin: node.origin.clone() });
    match &mut below.value {
        Value::Table(below) => overlay(below, table, path, faults),
        other => *other = Value::Table(table),
    }
}

fn overlay_elements(list: &mut Vec<Node>, table: Table, path: &str, faults: &mut Vec<Fault>) {
    let mut elements: Vec<(Option<usize>, Node)> =
        table.into_iter().map(|(key, node)| (key.parse().ok(), node)).collect();
    elements.sort_by_key(|(index, _)| *index);
    for (index, node) in elements {
        let Some(index) = index.filter(|index| *index <= list.len()) else {
            faults.push(Fault {
                path: path.to_owned(),
                message: format!("the list has {} entries; the next index is {0}", list.len()),
                origin: Some(node.origin),
            });
            continue;
        };
        let path = format!("{path}[{index}]");
        if index == list.len() {
            list.push(Node { value: Value::Table(Table::new()), origin: node.origin.clone() });
        }
        match (&mut list[index].value, node.value) {
            (Value::Table(below), Value::Table(above)) => overlay(below, above, &path, faults),
            (below, above) => *below = above,
        }
    }
}

/// `path` and `key` with a dot between, when there is a path.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
