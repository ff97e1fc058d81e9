//! Attributes of entities and members of classes: "id, name, email and created_at",
//! "price: decimal", "string name".

use crate::provider::offline::sketch::{Attribute, MEMBERS_MAX};
use crate::provider::offline::words;

/// Types that may stand beside a name.
const TYPES: &[&str] = &[
    "int",
    "integer",
    "bigint",
    "number",
    "long",
    "short",
    "float",
    "double",
    "decimal",
    "money",
    "string",
    "str",
    "text",
    "varchar",
    "char",
    "bool",
    "boolean",
    "date",
    "datetime",
    "timestamp",
    "time",
    "uuid",
    "json",
    "blob",
    "bytes",
    "enum",
    "list",
    "void",
];

/// Names of a list, in order, without what is none.
pub(super) fn names(list: &str) -> Vec<String> {
    let list = list.replace(" and ", ", ").replace(" & ", ", ").replace('\n', ", ");
    let parts = list.split([',', ';', '、', '，']);
    let names = parts.map(|part| {
        words::short(
            words::without_first(part.trim(), &["and", "its", "their", "the"]).trim_matches(['"', '.', ' ']),
            words::LABEL_CHARS_MAX,
        )
    });
    names.filter(|name| words::is_readable(name)).take(MEMBERS_MAX).collect()
}

/// The attributes of a list.
pub(super) fn attributes(list: &str) -> Vec<Attribute> {
    names(list).iter().map(|text| attribute(text)).collect()
}

/// One attribute: its type as stated, else as its name speaks for.
pub(super) fn attribute(text: &str) -> Attribute {
    let text = words::without_first(text.trim_matches(['(', ')', ' ']), &["a", "an", "one"]);
    let (name, stated) = match text.split_once(':') {
        Some((name, kind)) => (name.trim(), Some(kind.trim())),
        None => {
            let is_type = |word: &str| TYPES.contains(&word.to_ascii_lowercase().as_str());
            match text.split_whitespace().collect::<Vec<_>>().as_slice() {
                [first, rest] if is_type(first) && !is_type(rest) => (*rest, Some(*first)),
                [rest, second] if is_type(second) => (*rest, Some(*second)),
                _ => (text, None),
            }
        }
    };
    let name = words::short(name, 40);
    let kind = stated
        .filter(|kind| words::is_readable(kind))
        .map_or_else(|| kind(&name), |kind| kind.to_lowercase());
    Attribute { name, kind }
}

fn kind(name: &str) -> String {
    let lower = name.to_lowercase().replace([' ', '-'], "_");
    let ends = |some: &[&str]| some.iter().any(|end| lower == *end || lower.ends_with(&format!("_{end}")));
    let kind = if ends(&["id", "age", "count", "quantity", "year", "size", "stock", "rank", "position"])
        || (name.ends_with("Id") && name.len() > 2)
    {
        "int"
    } else if ends(&["price", "total", "amount", "balance", "salary", "cost", "rate", "weight"]) {
        "decimal"
    } else if ends(&["at", "time", "timestamp"]) && lower != "time" {
        "datetime"
    } else if ends(&["date", "birthday", "deadline"]) {
        "date"
    } else if lower.starts_with("is_") || lower.starts_with("has_") || ends(&["active", "enabled", "deleted"])
    {
        "boolean"
    } else {
        "string"
    };
    kind.to_owned()
}
