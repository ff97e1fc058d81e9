//! Keys that nothing reads: all of them at once, each with the key that was probably meant.

use std::collections::BTreeSet;

use super::fault::{Fault, Origin};
use super::node::{Node, Table, Value, join};
use super::reader::pattern;

/// How alike two keys must be for "did you mean", from 0 to 1.
const LIKENESS_MIN: f64 = 0.75;
/// So alike that a key of exactly that name in another section is not what was meant.
const LIKENESS_SURE: f64 = 0.9;
/// A section's keys are named when they are no more than these.
const NAMED_MAX: usize = 12;

/// A fault for every key of `root` that is not in `known`. Values are never shown: a mistyped
/// `api_key` has a secret in it.
pub(super) fn faults(root: &Table, known: &BTreeSet<String>) -> Vec<Fault> {
    let mut faults = Vec::new();
    walk(root, "", known, &mut faults);
    faults
}

fn walk(table: &Table, path: &str, known: &BTreeSet<String>, faults: &mut Vec<Fault>) {
    for (key, node) in table {
        let path = join(path, key);
        if known.contains(&pattern(&path)) {
            descend(node, &path, known, faults);
            continue;
        }
        let message = match suggestion(&path, key, &node.origin, known) {
            Some(meant) => format!("unknown key; did you mean {meant}?"),
            None => format!("unknown key; {}", instead(&path, key, known)),
        };
        faults.push(Fault { path, message, origin: Some(node.origin.clone()) });
    }
}

fn descend(node: &Node, path: &str, known: &BTreeSet<String>, faults: &mut Vec<Fault>) {
    let below = format!("{}.", pattern(path));
    let has_keys = known.range(below.clone()..).next().is_some_and(|next| next.starts_with(&below));
    match &node.value {
        Value::Table(table) if has_keys => walk(table, path, known, faults),
        Value::List(list) => {
            for (index, element) in list.iter().enumerate() {
                if let Value::Table(table) = &element.value {
                    walk(table, &format!("{path}[{index}]"), known, faults);
                }
            }
        }
        _ => {}
    }
}

/// The known key of the same section that is most alike, else a key of that name elsewhere.
fn suggestion(path: &str, key: &str, origin: &Origin, known: &BTreeSet<String>) -> Option<String> {
    let section = pattern(path.strip_suffix(key)?);
    let sibling = known
        .iter()
        .filter_map(|known| known.strip_prefix(section.as_str()))
        .filter(|rest| !rest.is_empty() && !rest.contains(['.', '[']))
        .map(|rest| (strsim::jaro_winkler(key, rest), rest))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    let elsewhere = known.iter().find(|known| known.rsplit('.').next() == Some(key));
    match (sibling, elsewhere) {
        (Some((likeness, _)), Some(elsewhere)) if likeness < LIKENESS_SURE => {
            Some(written(elsewhere, origin))
        }
        (Some((_, sibling)), _) => Some(written(&format!("{}{sibling}", path.strip_suffix(key)?), origin)),
        (None, elsewhere) => elsewhere.map(|elsewhere| written(elsewhere, origin)),
    }
}

/// What the section does have; a long list is only pointed to.
fn instead(path: &str, key: &str, known: &BTreeSet<String>) -> String {
    let section = path.strip_suffix(key).map(pattern).unwrap_or_default();
    let keys: Vec<&str> = known
        .iter()
        .filter_map(|known| known.strip_prefix(section.as_str()))
        .filter(|rest| !rest.is_empty() && !rest.contains(['.', '[']))
        .collect();
    if section.is_empty() || keys.is_empty() || keys.len() > NAMED_MAX {
        return "see `diagramd config default` for every key".to_owned();
    }
    format!("[{}] takes {}", section.trim_end_matches('.'), keys.join(", "))
}

/// A path as its author writes it: a variable for a variable.
fn written(path: &str, origin: &Origin) -> String {
    match origin {
        Origin::Environment(_) => {
            let name = path.replace("[*]", "[0]").replace('[', "__").replace(']', "").replace('.', "__");
            format!("DIAGRAMD_{}", name.to_uppercase())
        }
        Origin::File { .. } | Origin::Flag(_) => path.replace("[*]", "[]"),
    }
}
