//! The text of a configuration file -> the raw tree, with the line of every value.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::fault::{Fault, Faults, Origin};
use super::node::{Node, Table, Value};

/// The largest configuration file, in bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;
/// The longest line that is shown with a fault.
const SHOWN_CHARS_MAX: usize = 120;
/// What lines are not shown that have one of these: they may hold a secret, or its beginning.
const SECRET: [&str; 6] = ["key", "secret", "token", "password", "sk-", "://"];

/// Reads and parses `file`. The only faults are an unreadable file and broken TOML, every broken
/// place at once, each with its line as it stands and a caret; a line that may hold a secret is not shown.
pub(super) fn read(file: &Path) -> Result<Table, Faults> {
    let shown = file.display();
    let unreadable = |why: String| {
        Faults::one(format!(
            "the configuration file {shown} cannot be read: {why}; check the path and its permissions"
        ))
    };
    let size = std::fs::metadata(file).map_err(|error| unreadable(error.to_string()))?.len();
    if size > FILE_BYTES_MAX {
        return Err(unreadable(format!("it has {size} bytes, more than {FILE_BYTES_MAX}")));
    }
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let text = String::from_utf8(bytes).map_err(|_| unreadable("it is not UTF-8 text".to_owned()))?;
    parse(&text, file)
}

fn parse(text: &str, file: &Path) -> Result<Table, Faults> {
    let (root, errors) = DeTable::parse_recoverable(text);
    let places = Places { text, file: Arc::from(file) };
    if !errors.is_empty() {
        let fault = |error: &toml::de::Error| Fault {
            path: String::new(),
            message: places.shown(&error.message().replace('\n', " "), error.span()),
            origin: error.span().map(|span| places.origin(&span)),
        };
        return Err(Faults::new(errors.iter().map(fault).collect()));
    }
    Ok(places.table(root.get_ref()))
}

/// Parses a list in TOML or JSON syntax (from an environment variable); `None` when it is
/// neither.
pub(super) fn parse_list(text: &str, origin: &Origin) -> Option<Vec<Node>> {
    let wrap = |node: Node| match node.value {
        Value::List(list) => Some(list),
        _ => None,
    };
    if let Ok(value) = DeValue::parse(text) {
        return wrap(plain(value.get_ref(), &|_| origin.clone()));
    }
    let json: serde_json::Value = serde_json::from_str(text).ok()?;
    wrap(from_json(json, origin))
}

struct Places<'a> {
    text: &'a str,
    file: Arc<Path>,
}

impl Places<'_> {
    fn origin(&self, span: &Range<usize>) -> Origin {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        Origin::File { file: Arc::clone(&self.file), line: before.matches('\n').count() + 1 }
    }

    /// A fault of the text, with its line and a caret below the place.
    fn shown(&self, said: &str, span: Option<Range<usize>>) -> String {
        let Some(at) = span.map(|span| span.start.min(self.text.len())) else {
            return format!("not TOML: {said}");
        };
        let start = self.text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let column = self.text[start..at].chars().count();
        let head = format!("not TOML, at column {}: {said}", column + 1);
        let lower = line.to_ascii_lowercase();
        if SECRET.iter().any(|word| lower.contains(word)) || line.chars().count() > SHOWN_CHARS_MAX {
            return head;
        }
        // Tabs stay, so that the caret stands under its place in any terminal.
        let before = line.chars().take(column).map(|c| if c == '\t' { '\t' } else { ' ' });
        let line: String =
            line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        format!("{head}\n    {line}\n    {}^", before.collect::<String>())
    }

    fn table(&self, table: &DeTable<'_>) -> Table {
        entries(table, &|span| self.origin(span))
    }
}

fn entries(table: &DeTable<'_>, origin: &dyn Fn(&Range<usize>) -> Origin) -> Table {
    table
        .iter()
        .map(|(key, value)| {
            let node = Node { value: plain(value.get_ref(), origin).value, origin: origin(&key.span()) };
            (key.get_ref().to_string(), node)
        })
        .collect()
}

fn plain(value: &DeValue<'_>, origin: &dyn Fn(&Range<usize>) -> Origin) -> Node {
    let value = match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => Value::Number(decimal(integer)),
        DeValue::Float(float) => Value::Number(float.as_str().replace('_', "")),
        DeValue::Boolean(value) => Value::Bool(*value),
        DeValue::Datetime(value) => Value::Date(value.to_string()),
        DeValue::Array(list) => Value::List(list.iter().map(|element| spanned(element, origin)).collect()),
        DeValue::Table(table) => Value::Table(entries(table, origin)),
    };
    Node { value, origin: origin(&(0..0)) }
}

fn spanned(value: &Spanned<DeValue<'_>>, origin: &dyn Fn(&Range<usize>) -> Origin) -> Node {
    Node { value: plain(value.get_ref(), origin).value, origin: origin(&value.span()) }
}

fn decimal(integer: &DeInteger<'_>) -> String {
    let digits = integer.as_str().replace('_', "");
    match i128::from_str_radix(&digits, integer.radix()) {
        Ok(value) => value.to_string(),
        Err(_) => digits,
    }
}

fn from_json(json: serde_json::Value, origin: &Origin) -> Node {
    let value = match json {
        serde_json::Value::Null => Value::Text(String::new()),
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => Value::Number(number.to_string()),
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(list) => {
            Value::List(list.into_iter().map(|element| from_json(element, origin)).collect())
        }
        serde_json::Value::Object(map) => {
            Value::Table(map.into_iter().map(|(key, value)| (key, from_json(value, origin))).collect())
        }
    };
    Node { value, origin: origin.clone() }
}
