//! Typed reading of the raw tree. Every read names its key, its default and its bound; a fault is
//! noted, the default is returned, and reading goes on, so that all faults come at once.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::fault::{Fault, Origin, Warning};
use super::node::{Node, Table, Value, join};
use super::units;

/// What one pass of reading gathers.
pub(super) struct Pass<'a> {
    /// The whole environment, for keys that name a variable.
    pub(super) environment: &'a BTreeMap<String, String>,
    pub(super) faults: RefCell<Vec<Fault>>,
    pub(super) warnings: RefCell<Vec<Warning>>,
    /// Every key asked for, list indexes as `[*]`.
    pub(super) known: RefCell<BTreeSet<String>>,
}

/// One section of the tree, present or not.
pub(super) struct Section<'a> {
    pub(super) pass: &'a Pass<'a>,
    /// `upstreams[0]`; empty at the top.
    path: String,
    node: Option<&'a Node>,
}

impl<'a> Pass<'a> {
    /// Nothing gathered yet.
    pub(super) fn new(environment: &'a BTreeMap<String, String>) -> Self {
        Self {
            environment,
            faults: RefCell::default(),
            warnings: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// The top of the tree.
    pub(super) fn root(&'a self, node: &'a Node) -> Section<'a> {
        Section { pass: self, path: String::new(), node: Some(node) }
    }
}

impl<'a> Section<'a> {
    fn path_of(&self, key: &str) -> String {
        join(&self.path, key)
    }

    /// The value at `key`, when one is set. Marks the key as known.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.pass.known.borrow_mut().insert(pattern(&self.path_of(key)));
        match &self.node?.value {
            Value::Table(table) => table.get(key),
            _ => None,
        }
    }

    /// Whether `key` is set to anything but empty text.
    pub(super) fn is_set(&self, key: &str) -> bool {
        self.get(key).is_some_and(
            |node| !matches!(&node.value, Value::Text(text) | Value::Loose(text) if text.is_empty()),
        )
    }

    /// Whether any key of the section is set.
    pub(super) fn is_present(&self) -> bool {
        matches!(self.node.map(|node| &node.value), Some(Value::Table(table)) if !table.is_empty())
    }

    /// Notes a fault of `key`.
    pub(super) fn fault(&self, key: &str, message: impl Into<String>) {
        let origin = self.get(key).map(|node| node.origin.clone());
        self.fault_at(self.path_of(key), message.into(), origin);
    }

    fn fault_at(&self, path: String, message: String, origin: Option<Origin>) {
        self.pass.faults.borrow_mut().push(Fault { path, message, origin });
    }

    /// Notes something the operator should know of `key`.
    pub(super) fn warn(&self, key: &str, message: impl Into<String>) {
        let warning = Warning { path: self.path_of(key), message: message.into() };
        self.pass.warnings.borrow_mut().push(warning);
    }

    /// The value at `key` as a message shows it; never for a secret.
    pub(super) fn shown(&self, key: &str) -> String {
        self.get(key).map(Node::shown).unwrap_or_default()
    }

    fn wrong_type(&self, key: &str, node: &Node, expected: &str) {
        let message = format!("{} is not {expected}", node.shown());
        self.fault_at(self.path_of(key), message, Some(node.origin.clone()));
    }

    /// Text, free of line breaks and other control characters.
    pub(super) fn text(&self, key: &str, default: &str) -> String {
        self.text_as(key, "text; put it in quotes").unwrap_or_else(|| default.to_owned())
    }

    fn text_as(&self, key: &str, expected: &str) -> Option<String> {
        let node = self.get(key)?;
        match &node.value {
            Value::Text(text) | Value::Loose(text) if !text.contains(char::is_control) => Some(text.clone()),
            _ => {
                self.wrong_type(key, node, expected);
                None
            }
        }
    }

    /// Text that no message may show.
    pub(super) fn secret_text(&self, key: &str) -> Option<String> {
        match &self.get(key)?.value {
            Value::Text(text) | Value::Loose(text) if !text.contains(char::is_control) => Some(text.clone()),
            Value::Text(_) | Value::Loose(_) => {
                self.fault(key, "has a line break or another control character in it; expected plain text");
                None
            }
            _ => {
                self.fault(key, "is not text; put it in quotes");
                None
            }
        }
    }

    /// Text that `parse` makes something of; its error completes the sentence `"VALUE" …`.
    /// `None` when the key is unset, empty, or faulty.
    pub(super) fn parsed<T>(&self, key: &str, parse: impl Fn(&str) -> Result<T, String>) -> Option<T> {
        let text = self.text_as(key, "text; put it in quotes").filter(|text| !text.is_empty())?;
        match parse(&text) {
            Ok(value) => Some(value),
            Err(why) => {
                self.fault(key, format!("{} {why}", self.shown(key)));
                None
            }
        }
    }

    /// One of a closed list of words.
    pub(super) fn choice<T: Copy>(&self, key: &str, default: T, choices: &[(&str, T)]) -> T {
        let words: Vec<&str> =
            choices.iter().map(|(word, _)| *word).filter(|word| !word.is_empty()).collect();
        let Some(text) = self.text_as(key, &format!("one of {}", words.join(", "))) else { return default };
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return *value;
        }
        self.fault(key, format!("{} is not one of {}", self.shown(key), words.join(", ")));
        default
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str, default: bool) -> bool {
        let Some(node) = self.get(key) else { return default };
        match &node.value {
            Value::Bool(value) => return *value,
            Value::Loose(text) if text == "true" => return true,
            Value::Loose(text) if text == "false" => return false,
            _ => self.wrong_type(key, node, "true or false"),
        }
        default
    }

    /// A whole number within `bounds`.
    pub(super) fn integer<T>(&self, key: &str, default: T, bounds: RangeInclusive<T>) -> T
    where
        T: Copy + PartialOrd + Display + TryFrom<i128>,
    {
        let Some(node) = self.get(key) else { return default };
        let (low, high) = (bounds.start(), bounds.end());
        let expected = format!("a whole number from {low} to {high}");
        let (Value::Number(text) | Value::Loose(text)) = &node.value else {
            self.wrong_type(key, node, &expected);
            return default;
        };
        let value = text.parse::<i128>().ok().and_then(|value| T::try_from(value).ok());
        match value.filter(|value| bounds.contains(value)) {
            Some(value) => value,
            None => {
                self.wrong_type(key, node, &expected);
                default
            }
        }
    }

    /// A duration within `bounds`.
    pub(super) fn duration(
        &self,
        key: &str,
        default: Duration,
        bounds: RangeInclusive<Duration>,
    ) -> Duration {
        let expected = "a duration; expected text such as \"90s\": a whole number with ms, s, m, h or d";
        let Some(text) = self.text_as(key, expected) else { return default };
        let Some(value) = units::parse_duration(&text) else {
            self.fault(key, format!("{} is not {expected}", self.shown(key)));
            return default;
        };
        if bounds.contains(&value) {
            return value;
        }
        let (low, high) = (units::show_duration(*bounds.start()), units::show_duration(*bounds.end()));
        self.fault(key, format!("{} is out of bounds; expected {low} to {high}", self.shown(key)));
        default
    }

    /// A size in bytes within `bounds`.
    pub(super) fn size(&self, key: &str, default: u64, bounds: RangeInclusive<u64>) -> u64 {
        let expected = "a size; expected text such as \"256KiB\": a whole number with B, KiB, MiB or GiB";
        let Some(text) = self.text_as(key, expected) else { return default };
        let Some(value) = units::parse_size(&text) else {
            self.fault(key, format!("{} is not {expected}", self.shown(key)));
            return default;
        };
        if bounds.contains(&value) {
            return value;
        }
        let (low, high) = (units::show_size(*bounds.start()), units::show_size(*bounds.end()));
        self.fault(key, format!("{} is out of bounds; expected {low} to {high}", self.shown(key)));
        default
    }

    /// A decimal number as its exact text, from a number or from text; `None` when unset.
    pub(super) fn decimal(&self, key: &str, expected: &str) -> Option<String> {
        let node = self.get(key)?;
        match &node.value {
            Value::Number(text) | Value::Text(text) | Value::Loose(text) => Some(text.clone()),
            _ => {
                self.wrong_type(key, node, expected);
                None
            }
        }
    }

    /// A list of at most `max` elements, each parsed like [`Section::parsed`] (numbers as their
    /// text). `None` when unset.
    pub(super) fn list<T>(
        &self,
        key: &str,
        max: usize,
        parse: impl Fn(&str) -> Result<T, String>,
    ) -> Option<Vec<T>> {
        let node = self.get(key)?;
        let Value::List(list) = &node.value else {
            self.wrong_type(key, node, "a list");
            return None;
        };
        if list.len() > max {
            self.fault(key, format!("has {} entries; at most {max} are allowed", list.len()));
        }
        let element = |(index, node): (usize, &Node)| {
            let result = match &node.value {
                Value::Text(text) | Value::Loose(text) | Value::Number(text) => parse(text),
                _ => Err("is neither text nor a number".to_owned()),
            };
            result
                .map_err(|why| {
                    let path = format!("{}[{index}]", self.path_of(key));
                    self.fault_at(path, format!("{} {why}", node.shown()), Some(node.origin.clone()));
                })
                .ok()
        };
        Some(list.iter().enumerate().filter_map(element).collect())
    }

    /// The section at `key`, present or not.
    pub(super) fn section(&self, key: &str) -> Self {
        let mut node = self.get(key);
        if let Some(other) = node.filter(|node| !matches!(node.value, Value::Table(_))) {
            let path = self.path_of(key);
            self.wrong_type(key, other, &format!("a section; write [{path}] and its keys below it"));
            node = None;
        }
        Self { pass: self.pass, path: self.path_of(key), node }
    }

    /// A section that is not there, read for its defaults.
    pub(super) fn absent(&self, key: &str) -> Self {
        Self { pass: self.pass, path: self.path_of(key), node: None }
    }

    /// The sections of the list at `key` (`[[key]]`), at most `max`.
    pub(super) fn sections(&self, key: &str, max: usize) -> Vec<Self> {
        let Some(node) = self.get(key) else { return Vec::new() };
        let path = self.path_of(key);
        let Value::List(list) = &node.value else {
            self.wrong_type(key, node, &format!("a list of sections; write [[{path}]] above each"));
            return Vec::new();
        };
        if list.len() > max {
            self.fault(key, format!("has {} entries; at most {max} are allowed", list.len()));
        }
        let place = |(index, node): (usize, &'a Node)| {
            let path = format!("{path}[{index}]");
            let is_section = matches!(node.value, Value::Table(_));
            if !is_section {
                let message = format!("{} is not a section", node.shown());
                self.fault_at(path.clone(), message, Some(node.origin.clone()));
            }
            is_section.then_some(Self { pass: self.pass, path, node: Some(node) })
        };
        list.iter().take(max).enumerate().filter_map(place).collect()
    }
}

/// A path with its list indexes replaced by `*`.
pub(super) fn pattern(path: &str) -> String {
    let mut parts = path.split('[');
    let mut pattern = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        pattern.push_str("[*]");
        pattern.push_str(part.split_once(']').map_or("", |(_, rest)| rest));
    }
    pattern
}

/// A tree as a node, for [`Pass::root`].
pub(super) fn rooted(table: Table) -> Node {
    Node { value: Value::Table(table), origin: Origin::Flag(String::new()) }
}
