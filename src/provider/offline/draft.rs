//! A draft: prompt to sketch to source, within a bound.

use crate::domain::DiagramType;

use super::sketch::ELEMENTS_MAX;
use super::{read, title, words, write};

/// Characters of a prompt that are read; a longer one is drawn from its beginning.
const PROMPT_CHARS_MAX: usize = 20_000;

/// A drafted diagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    pub(super) source: String,
    pub(super) title: String,
}

/// A diagram for `prompt`, of at most `bytes_max` bytes where fewer elements can make it so.
/// Any prompt gives one, and the same prompt gives the same one.
pub(super) fn draft(prompt: &str, diagram_type: DiagramType, bytes_max: usize) -> Draft {
    let (mut sketch, topic) = read::read(&words::clean(prompt, PROMPT_CHARS_MAX));
    let title = title::title(topic.as_deref(), &sketch);
    let mut elements = ELEMENTS_MAX;
    loop {
        let source = write::write(&sketch, &title, diagram_type);
        elements = elements * 2 / 3;
        if source.len() <= bytes_max || elements == 0 {
            return Draft { source, title };
        }
        sketch.shorten(elements);
    }
}
