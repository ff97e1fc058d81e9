//! What the script says of a source, before words are made of it. `web/mermaid/describe.js` is
//! the other side.

use serde::{Deserialize, Serialize};

/// The script's verdict.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Raw {
    /// Mermaid's name of the diagram type; absent when it knows none.
    #[serde(rename = "type")]
    pub diagram: Option<String>,
    /// Empty when the parser accepts the source.
    pub faults: Vec<Fault>,
    /// Whether the source changed what later ones share.
    pub spoilt: bool,
}

/// One fault. Line and column count in the source as it was given, 1-based; 0 when unknown.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Fault {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
    /// What kind of fault.
    pub sort: Sort,
    /// The grammar's name of what was found; absent when no token begins there.
    pub token: Option<String>,
    /// The text that was found.
    pub found: Option<String>,
    /// The grammar's names of what could stand there.
    #[serde(default)]
    pub expected: Vec<String>,
    /// Mermaid's own words, where nothing better is known.
    pub message: Option<String>,
}

/// What kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// The first line names no diagram type.
    Type,
    /// The front matter is not closed.
    FrontMatter,
    /// Settings in YAML.
    Yaml,
    /// A grammar of the older family.
    Syntax,
    /// A character that no token begins with.
    Character,
    /// A grammar of the newer family; what was expected is in the message.
    Grammar,
    /// A rule of the diagram type, beyond its grammar.
    Rule,
    /// Mermaid fails without a word on the source.
    Crash,
}

/// Of what was found and of Mermaid's words; nobody is told that much.
const TEXT_CHARS_MAX: usize = 4_000;

impl Raw {
    /// Cuts what can be as long as the source: a hundred times that would be no answer.
    pub fn clip(&mut self) {
        for fault in &mut self.faults {
            for text in [&mut fault.found, &mut fault.message].into_iter().flatten() {
                if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
                    text.truncate(end);
                }
            }
        }
    }

    /// Whether the verdict is no word on the source but on what the engine could bear.
    pub fn is_exhausted(&self) -> bool {
        self.faults.iter().any(|fault| fault.message.as_deref().is_some_and(is_exhaustion))
    }
}

/// Whether a message is the engine's own word that memory or stack is used up.
pub fn is_exhaustion(message: &str) -> bool {
    matches!(message, "out of memory" | "Maximum call stack size exceeded" | "stack overflow")
}
