//! A request's variables against a template's: what the model is told, or every fault.

use serde_json::{Map, Value};

use crate::domain::DiagramType;
use crate::domain::job::{FilledTemplate, TemplateValue};

use super::{Template, Variable, VariableType};

/// What is wrong with a request's variables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableFault {
    /// JSON pointer into the body: `/variables/ddl`.
    pub pointer: String,
    /// In plain words.
    pub detail: String,
}

impl Template {
    /// The template with the variables of a request in it.
    ///
    /// # Errors
    /// Every fault at once: a language it cannot be drawn in, a variable that is missing, that
    /// there is none of, or that has the wrong type or size.
    pub fn fill(
        &self,
        diagram_type: DiagramType,
        given: &Map<String, Value>,
    ) -> Result<FilledTemplate, Vec<VariableFault>> {
        let mut faults = Vec::new();
        if !self.diagram_types.contains(&diagram_type) {
            let types: Vec<&str> = self.diagram_types.iter().map(|other| other.name()).collect();
            let detail = format!("The template {:?} makes {} only.", self.name, types.join(" or "));
            faults.push(VariableFault { pointer: "/diagramType".to_owned(), detail });
        }
        let unknown =
            given.keys().filter(|name| self.variables.iter().all(|variable| variable.name != **name));
        faults.extend(unknown.map(|name| self.unknown(name)));
        let mut values = Vec::new();
        for variable in &self.variables {
            let pointer = format!("/variables/{}", variable.name);
            let value = given.get(&variable.name).filter(|value| !value.is_null());
            if let Some((below, why)) = value.and_then(|value| value_fault(&variable.holds, value)) {
                faults.push(VariableFault { pointer: pointer + &below, detail: why });
                continue;
            }
            match value.and_then(text_of).or_else(|| variable.default.as_ref().and_then(text_of)) {
                Some(text) => values.push(variable.value(text)),
                None if variable.required => {
                    let detail = format!(
                        "Is missing; the template {:?} needs it. {}",
                        self.name, variable.description
                    );
                    faults.push(VariableFault { pointer, detail: detail.trim_end().to_owned() });
                }
                None => {}
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(FilledTemplate {
            name: self.name.clone(),
            kind: self.kind.map(|kind| kind.name().to_owned()),
            prompt: self.prompt.clone(),
            values,
        })
    }

    fn unknown(&self, name: &str) -> VariableFault {
        let names: Vec<&str> = self.variables.iter().map(|variable| variable.name.as_str()).collect();
        let known =
            if names.is_empty() { "it has none".to_owned() } else { format!("it has {}", names.join(", ")) };
        let pointer = format!("/variables/{}", name.replace('~', "~0").replace('/', "~1"));
        VariableFault {
            pointer,
            detail: format!("The template {:?} has no such variable; {known}.", self.name),
        }
    }
}

impl Variable {
    fn value(&self, text: String) -> TemplateValue {
        // Words and numbers are the operator's or checked; texts of users are data.
        let is_data = !matches!(self.holds, VariableType::Enum { .. } | VariableType::Number { .. });
        TemplateValue { name: self.name.clone(), text, is_data }
    }
}

/// A value as text; `None` for an empty one, which counts as not given.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Array(list) => {
            let lines = list.iter().filter_map(Value::as_str).map(str::trim).filter(|line| !line.is_empty());
            lines.map(|line| format!("- {line}")).collect::<Vec<_>>().join("\n")
        }
        other => other.to_string(),
    };
    (!text.is_empty()).then_some(text)
}

/// Why a value does not fit, and the rest of the pointer to it.
pub(super) fn value_fault(holds: &VariableType, value: &Value) -> Option<(String, String)> {
    let here = |why: String| Some((String::new(), why));
    let too_long = |text: &str, max: usize| {
        let chars = text.chars().count();
        (chars > max).then(|| format!("Has {chars} characters; at most {max} are allowed."))
    };
    match (holds, value) {
        (VariableType::String { max_length }, Value::String(text)) => {
            if text.contains(char::is_control) {
                return here("Must be one line, without control characters.".to_owned());
            }
            too_long(text, *max_length).and_then(here)
        }
        (VariableType::Text { max_length }, Value::String(text)) => {
            too_long(text, *max_length).and_then(here)
        }
        (VariableType::String { .. } | VariableType::Text { .. }, _) => here("Must be a string.".to_owned()),
        (VariableType::List { max_items, max_length }, Value::Array(list)) => {
            if list.len() > *max_items {
                return here(format!("Has {} entries; at most {max_items} are allowed.", list.len()));
            }
            list.iter().enumerate().find_map(|(index, entry)| {
                let why = match entry.as_str() {
                    None => Some("Must be a string.".to_owned()),
                    Some(text) if text.contains(char::is_control) => {
                        Some("Must be one line, without control characters.".to_owned())
                    }
                    Some(text) => too_long(text, *max_length),
                };
                why.map(|why| (format!("/{index}"), why))
            })
        }
        (VariableType::List { .. }, _) => here("Must be a list of strings.".to_owned()),
        (VariableType::Enum { options }, Value::String(word)) if options.contains(word) => None,
        (VariableType::Enum { options }, _) => here(format!("Must be one of {}.", options.join(", "))),
        (VariableType::Number { min, max }, Value::Number(number)) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let fits = min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max);
            (!fits || number.is_nan()).then(|| (String::new(), bounds(*min, *max)))
        }
        (VariableType::Number { min, max }, _) => here(bounds(*min, *max)),
    }
}

fn bounds(min: Option<f64>, max: Option<f64>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("Must be a number from {min} to {max}."),
        (Some(min), None) => format!("Must be a number of at least {min}."),
        (None, Some(max)) => format!("Must be a number of at most {max}."),
        (None, None) => "Must be a number.".to_owned(),
    }
}
