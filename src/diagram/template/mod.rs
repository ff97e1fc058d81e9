//! Templates: prepared instructions with typed variables, built in or the operator's own.
//!
//! Called by the composition root (which reads the operator's files and hands their text over), by
//! the rules of a submission, by the list of templates and by the prompt. No file is read here and
//! no user's text ever becomes an instruction: texts stand in blocks of their own, as data.

use serde::Serialize;

use crate::domain::DiagramType;

use super::kind::Kind;

mod built_in;
mod fill;
mod parse;
mod section;
#[cfg(test)]
mod tests;

pub use fill::VariableFault;
pub use parse::{TemplateFault, parse};
pub use section::section;

/// Templates of an operator, at most.
pub const TEMPLATES_MAX: usize = 200;
/// Bytes of one template's file.
pub const FILE_BYTES_MAX: usize = 64 << 10;
/// Variables of one template.
pub const VARIABLES_MAX: usize = 32;
/// Characters of a value, at most; what a variable allows when it names no bound of its own is
/// [`SHORT_LENGTH`] or [`LONG_LENGTH`].
pub const VALUE_CHARS_MAX: usize = 100_000;
/// Characters of a `string` that names no bound.
pub const SHORT_LENGTH: usize = 200;
/// Characters of a `text` that names no bound.
pub const LONG_LENGTH: usize = 20_000;
/// Entries of a list, at most.
pub const ITEMS_MAX: usize = 200;

/// What a variable holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
pub enum VariableType {
    /// One line.
    String {
        /// Characters.
        max_length: usize,
    },
    /// Any number of lines.
    Text {
        /// Characters.
        max_length: usize,
    },
    /// Short texts.
    List {
        /// Entries.
        max_items: usize,
        /// Characters of one entry.
        max_length: usize,
    },
    /// One of these words.
    Enum {
        /// The words.
        options: Vec<String>,
    },
    /// A number.
    Number {
        /// The smallest.
        #[serde(skip_serializing_if = "Option::is_none")]
        min: Option<f64>,
        /// The largest.
        #[serde(skip_serializing_if = "Option::is_none")]
        max: Option<f64>,
    },
}

/// A variable of a template.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Variable {
    /// Its name: small letters, digits and underscores.
    pub name: String,
    /// What it holds.
    #[serde(flatten)]
    pub holds: VariableType,
    /// Whether it must be given.
    pub required: bool,
    /// Taken when it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<serde_json::Value>,
    /// For people.
    pub description: String,
}

/// Where a template comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// Part of this program.
    BuiltIn,
    /// The operator's directory.
    Operator,
}

/// A prepared instruction.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Template {
    /// Its name in requests.
    pub name: String,
    /// A few words for a list.
    pub title: String,
    /// For people.
    pub description: String,
    /// The kind of Mermaid diagram it makes.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "kind_name")]
    pub kind: Option<Kind>,
    /// Languages it can be drawn in.
    pub diagram_types: Vec<DiagramType>,
    /// Where it comes from.
    pub source: Source,
    /// Its variables, in its own order.
    pub variables: Vec<Variable>,
    /// The instruction, `{{name}}` in a variable's place. A line whose variable is not given is
    /// left out.
    #[serde(skip)]
    pub prompt: String,
}

// Serde hands fields over by reference.
#[allow(clippy::ref_option)]
fn kind_name<S: serde::Serializer>(kind: &Option<Kind>, serializer: S) -> Result<S::Ok, S::Error> {
    kind.map(Kind::name).serialize(serializer)
}

/// Every template there is, by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Templates(Vec<Template>);

impl Templates {
    /// The built-in ones.
    pub fn built_in() -> Self {
        Self(built_in::all())
    }

    /// These and the operator's; one of the operator's replaces a built-in one of its name.
    pub fn with(mut self, own: Vec<Template>) -> Self {
        for template in own {
            self.0.retain(|other| other.name != template.name);
            self.0.push(template);
        }
        self.0.sort_by(|one, other| one.name.cmp(&other.name));
        self
    }

    /// All, sorted by name.
    pub fn all(&self) -> &[Template] {
        &self.0
    }

    /// The template of this name.
    pub fn get(&self, name: &str) -> Option<&Template> {
        self.0.iter().find(|template| template.name == name)
    }

    /// The name that was probably meant.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let near = |template: &&Template| strsim::jaro_winkler(&template.name, name);
        let best = self.0.iter().max_by(|one, other| near(one).total_cmp(&near(other)))?;
        (near(&best) > 0.75).then_some(best.name.as_str())
    }
}
