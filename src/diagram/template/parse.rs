//! A template's file (TOML) to a template, or all of its faults.

use serde_json::Value as Json;
use toml::{Table, Value};

use crate::diagram::kind::Kind;
use crate::domain::DiagramType;

use super::fill::value_fault;
use super::{
    FILE_BYTES_MAX, ITEMS_MAX, LONG_LENGTH, SHORT_LENGTH, Source, Template, VALUE_CHARS_MAX, VARIABLES_MAX,
    Variable, VariableType,
};

/// Characters of a name.
const NAME_CHARS_MAX: usize = 64;
/// Options of an enum.
const OPTIONS_MAX: usize = 50;

/// One thing that is wrong with a template's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateFault {
    /// The key (`variables[1].type`); empty for the file as a whole.
    pub path: String,
    /// What is wrong and what to write.
    pub message: String,
}

/// Gathers faults while reading.
struct Reader<'t> {
    table: &'t Table,
    path: String,
    known: Vec<&'static str>,
}

/// The template in `text`, named `name` (the file's name without `.toml`).
///
/// # Errors
/// Every fault at once.
pub fn parse(name: &str, text: &str, source: Source) -> Result<Template, Vec<TemplateFault>> {
    if text.len() > FILE_BYTES_MAX {
        let message = format!("has {} bytes; at most {FILE_BYTES_MAX} are allowed", text.len());
        return Err(vec![TemplateFault { path: String::new(), message }]);
    }
    let table: Table = match text.parse() {
        Ok(table) => table,
        Err(reason) => {
            // Its words show the line, with a caret under the place.
            let message = reason.to_string().trim().to_owned();
            return Err(vec![TemplateFault {
                path: String::new(),
                message: format!("is not TOML: {message}"),
            }]);
        }
    };
    let mut faults = Vec::new();
    let mut reader = Reader { table: &table, path: String::new(), known: Vec::new() };
    if !is_name(name, '-') {
        reader.fault(
            &mut faults,
            "",
            format!("{name:?} is no name for a template; the file's name is small letters, digits and hyphens, at most {NAME_CHARS_MAX}, then .toml"),
        );
    }
    let title = reader.text("title", true, 100, &mut faults);
    let description = reader.text("description", true, 500, &mut faults);
    let prompt = reader.text("prompt", true, 20_000, &mut faults);
    let kind = reader.text("kind", false, 50, &mut faults);
    let kind = (!kind.is_empty())
        .then(|| {
            let found = Kind::of_name(&kind);
            if found.is_none() {
                let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                reader.fault(
                    &mut faults,
                    "kind",
                    format!("{kind:?} is no kind; expected one of {}", names.join(", ")),
                );
            }
            found
        })
        .flatten();
    let diagram_types = diagram_types(&mut reader, &mut faults);
    let variables = variables(&mut reader, &mut faults);
    reader.unknown(&mut faults);
    for used in placeholders(&prompt) {
        if !variables.iter().any(|variable| variable.name == used) {
            reader.fault(&mut faults, "prompt", format!("{{{{{used}}}}} names no variable of this template"));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Template { name: name.to_owned(), title, description, kind, diagram_types, source, variables, prompt })
}

fn is_name(name: &str, joint: char) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == joint;
    (1..=NAME_CHARS_MAX).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(fits)
}

/// Names between double braces.
pub(super) fn placeholders(text: &str) -> Vec<String> {
    let parts = text.split("{{").skip(1);
    parts.filter_map(|part| part.split_once("}}")).map(|(name, _)| name.trim().to_owned()).collect()
}

fn diagram_types(reader: &mut Reader<'_>, faults: &mut Vec<TemplateFault>) -> Vec<DiagramType> {
    let words = reader.texts("diagram_types", 4, faults);
    let mut types = Vec::new();
    for (index, word) in words.iter().flatten().enumerate() {
        match word.parse() {
            Ok(diagram_type) if types.contains(&diagram_type) => {}
            Ok(diagram_type) => types.push(diagram_type),
            Err(_) => reader.fault(
                faults,
                &format!("diagram_types[{index}]"),
                format!("{word:?} is no diagram type; expected mermaid, graphviz, plantuml or d2"),
            ),
        }
    }
    match words {
        None => DiagramType::ALL.to_vec(),
        Some(words) if words.is_empty() => {
            reader.fault(faults, "diagram_types", "is empty; leave it out to allow all of them".to_owned());
            types
        }
        Some(_) => types,
    }
}

fn variables(reader: &mut Reader<'_>, faults: &mut Vec<TemplateFault>) -> Vec<Variable> {
    let wrong = "is not a list of sections; write [[variables]] above each variable";
    let list = match reader.get("variables") {
        None => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            reader.fault(faults, "variables", wrong.to_owned());
            return Vec::new();
        }
    };
    if list.len() > VARIABLES_MAX {
        let message = format!("has {} variables; at most {VARIABLES_MAX} are allowed", list.len());
        reader.fault(faults, "variables", message);
    }
    let mut all: Vec<Variable> = Vec::new();
    for (index, value) in list.iter().take(VARIABLES_MAX).enumerate() {
        let path = format!("variables[{index}]");
        let Value::Table(table) = value else {
            reader.fault(faults, &path, wrong.to_owned());
            continue;
        };
        let mut inner = Reader { table, path: format!("{path}."), known: Vec::new() };
        let Some(variable) = variable(&mut inner, faults) else { continue };
        if all.iter().any(|other| other.name == variable.name) {
            inner.fault(faults, "name", format!("{:?} is the name of two variables", variable.name));
        }
        all.push(variable);
    }
    all
}

fn variable(reader: &mut Reader<'_>, faults: &mut Vec<TemplateFault>) -> Option<Variable> {
    let before = faults.len();
    let name = reader.text("name", true, NAME_CHARS_MAX, faults);
    if !name.is_empty() && !is_name(&name, '_') {
        reader.fault(
            faults,
            "name",
            format!("{name:?} is no name; expected small letters, digits and underscores"),
        );
    }
    let description = reader.text("description", false, 500, faults);
    let required = match reader.get("required") {
        None => false,
        Some(Value::Boolean(required)) => *required,
        Some(other) => {
            reader.fault(faults, "required", format!("{other} is not true or false"));
            false
        }
    };
    let length = |reader: &mut Reader<'_>, default, faults: &mut Vec<TemplateFault>| {
        reader.whole("max_length", default, VALUE_CHARS_MAX, faults)
    };
    let word = reader.text("type", true, 20, faults);
    let holds = match word.as_str() {
        "string" => VariableType::String { max_length: length(reader, SHORT_LENGTH, faults) },
        "text" => VariableType::Text { max_length: length(reader, LONG_LENGTH, faults) },
        "list" => VariableType::List {
            max_items: reader.whole("max_items", 50, ITEMS_MAX, faults),
            max_length: length(reader, SHORT_LENGTH, faults),
        },
        "enum" => {
            let options = reader.texts("options", OPTIONS_MAX, faults).unwrap_or_default();
            if options.is_empty() {
                reader.fault(faults, "options", "is missing; an enum needs the words it allows".to_owned());
            }
            VariableType::Enum { options }
        }
        "number" => {
            let (min, max) = (reader.number("min", faults), reader.number("max", faults));
            if min.zip(max).is_some_and(|(min, max)| min > max) {
                reader.fault(faults, "min", "is more than max".to_owned());
            }
            VariableType::Number { min, max }
        }
        "" => return None,
        other => {
            reader.fault(
                faults,
                "type",
                format!("{other:?} is no type; expected string, text, list, enum or number"),
            );
            return None;
        }
    };
    let default = reader.get("default").and_then(json);
    if let Some(default) = &default {
        if required {
            reader.fault(faults, "default", "is never taken, for the variable is required".to_owned());
        }
        if let Some((_, why)) = value_fault(&holds, default) {
            reader.fault(faults, "default", format!("does not fit the variable: {why}"));
        }
    }
    reader.unknown(faults);
    (faults.len() == before).then_some(Variable { name, holds, required, default, description })
}

fn json(value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(text) => Json::from(text.as_str()),
        Value::Integer(number) => Json::from(*number),
        Value::Float(number) => Json::from(*number),
        Value::Boolean(flag) => Json::from(*flag),
        Value::Array(list) => Json::Array(list.iter().map(json).collect::<Option<_>>()?),
        Value::Datetime(time) => Json::from(time.to_string()),
        Value::Table(_) => Json::Null,
    })
}

impl<'t> Reader<'t> {
    fn get(&mut self, key: &'static str) -> Option<&'t Value> {
        self.known.push(key);
        self.table.get(key)
    }

    fn fault(&self, faults: &mut Vec<TemplateFault>, key: &str, message: String) {
        faults.push(TemplateFault { path: format!("{}{key}", self.path), message });
    }

    /// Trimmed text; a fault and empty when it is missing or too long.
    fn text(
        &mut self,
        key: &'static str,
        required: bool,
        max: usize,
        faults: &mut Vec<TemplateFault>,
    ) -> String {
        let text = match self.get(key) {
            Some(Value::String(text)) => text.trim(),
            Some(other) => {
                let shown = other.to_string();
                self.fault(faults, key, format!("{shown} is not text; put it in quotes"));
                return String::new();
            }
            None => "",
        };
        if text.is_empty() && required {
            self.fault(faults, key, "is missing".to_owned());
        }
        let chars = text.chars().count();
        if chars > max {
            self.fault(faults, key, format!("has {chars} characters; at most {max} are allowed"));
        }
        text.to_owned()
    }

    fn texts(
        &mut self,
        key: &'static str,
        max: usize,
        faults: &mut Vec<TemplateFault>,
    ) -> Option<Vec<String>> {
        let list = match self.get(key)? {
            Value::Array(list) if list.len() <= max => list,
            Value::Array(list) => {
                self.fault(faults, key, format!("has {} entries; at most {max} are allowed", list.len()));
                return Some(Vec::new());
            }
            _ => {
                self.fault(faults, key, "is not a list of texts".to_owned());
                return Some(Vec::new());
            }
        };
        let texts: Option<Vec<String>> = list.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        if texts.is_none() {
            self.fault(faults, key, "has an entry that is not text".to_owned());
        }
        Some(texts.unwrap_or_default())
    }

    fn whole(
        &mut self,
        key: &'static str,
        default: usize,
        max: usize,
        faults: &mut Vec<TemplateFault>,
    ) -> usize {
        let Some(value) = self.get(key) else { return default };
        let number = value.as_integer().and_then(|number| usize::try_from(number).ok());
        number.filter(|number| (1..=max).contains(number)).unwrap_or_else(|| {
            self.fault(faults, key, format!("{value} is not a whole number from 1 to {max}"));
            default
        })
    }

    fn number(&mut self, key: &'static str, faults: &mut Vec<TemplateFault>) -> Option<f64> {
        match self.get(key)? {
            Value::Float(number) if number.is_finite() => Some(*number),
            // Bounds of more than 2^53 would not be exact, and nobody needs them.
            Value::Integer(number) if i32::try_from(*number).is_ok() => {
                i32::try_from(*number).ok().map(f64::from)
            }
            other => {
                let shown = other.to_string();
                self.fault(faults, key, format!("{shown} is not a number"));
                None
            }
        }
    }

    fn unknown(&self, faults: &mut Vec<TemplateFault>) {
        for key in self.table.keys().filter(|key| !self.known.contains(&key.as_str())) {
            self.fault(faults, key, format!("is not known here; known are {}", self.known.join(", ")));
        }
    }
}
