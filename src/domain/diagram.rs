//! Diagram languages and the verdict on a source.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The diagram language a request asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DiagramType {
    /// Mermaid.
    #[default]
    Mermaid,
    /// Graphviz DOT.
    Graphviz,
    /// PlantUML.
    Plantuml,
    /// D2.
    D2,
}

impl DiagramType {
    /// Every language.
    pub const ALL: [Self; 4] = [Self::Mermaid, Self::Graphviz, Self::Plantuml, Self::D2];

    /// The name used in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mermaid => "mermaid",
            Self::Graphviz => "graphviz",
            Self::Plantuml => "plantuml",
            Self::D2 => "d2",
        }
    }
}

impl fmt::Display for DiagramType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no diagram language.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown diagram type {0:?}; expected mermaid, graphviz, plantuml or d2")]
pub struct UnknownDiagramType(pub String);

impl FromStr for DiagramType {
    type Err = UnknownDiagramType;

    fn from_str(text: &str) -> Result<Self, UnknownDiagramType> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == text)
            .ok_or_else(|| UnknownDiagramType(text.to_owned()))
    }
}

/// What is known about a returned source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ValidationStatus {
    /// The language's own parser accepts it.
    Valid,
    /// The parser accepts it after a mend.
    Repaired,
    /// Nothing here can check it.
    Unchecked,
    /// It does not parse, or it was cut off.
    Invalid,
}

impl ValidationStatus {
    /// Every verdict.
    pub const ALL: [Self; 4] = [Self::Valid, Self::Repaired, Self::Unchecked, Self::Invalid];

    /// The name used in answers, figures and traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Repaired => "repaired",
            Self::Unchecked => "unchecked",
            Self::Invalid => "invalid",
        }
    }
}

/// One fault of a source. Line and column are 1-based; 0 means that the place is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceError {
    /// Line, 1-based; 0 when unknown.
    pub line: u32,
    /// Column, 1-based; 0 when unknown.
    pub column: u32,
    /// What is wrong and what to do, for a person.
    pub message: String,
}

/// The verdict on a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validation {
    /// The verdict.
    pub status: ValidationStatus,
    /// The faults, at most 20.
    pub errors: Vec<SourceError>,
    /// What was done to a repaired source, each as a clause for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mends: Vec<String>,
}

impl Validation {
    /// The verdict for a source that nothing here can check.
    pub fn unchecked() -> Self {
        Self::of(ValidationStatus::Unchecked, Vec::new())
    }

    /// The verdict on a source as it stands.
    pub fn of(status: ValidationStatus, errors: Vec<SourceError>) -> Self {
        Self { status, errors, mends: Vec::new() }
    }

    /// The parser accepts the source after these mends.
    pub fn repaired(mends: Vec<String>) -> Self {
        Self { status: ValidationStatus::Repaired, errors: Vec::new(), mends }
    }
}
