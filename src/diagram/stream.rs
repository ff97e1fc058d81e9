//! The source out of an answer while it is being written: what watchers see as deltas. Prose
//! and fences are left out; what is final comes from [`super::extract`].

use crate::domain::DiagramType;

use super::extract;

/// Bytes of a line held back while it is not clear what it is.
const LINE_BYTES_MAX: usize = 4096;

/// Filters the pieces of one answer.
#[derive(Debug)]
pub struct SourceStream {
    diagram_type: DiagramType,
    state: State,
    /// The start of a line whose nature is not clear yet.
    held: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Before,
    /// At the start of a line inside the source.
    LineStart,
    InLine,
    After,
}

impl SourceStream {
    /// For an answer that should hold a diagram of this type.
    pub fn new(diagram_type: DiagramType) -> Self {
        Self { diagram_type, state: State::Before, held: String::new() }
    }

    /// Takes the next piece and returns what of it (and of what was held back) is source text.
    pub fn push(&mut self, piece: &str) -> String {
        let mut source = String::new();
        for part in piece.split_inclusive('\n') {
            self.push_part(part, &mut source);
        }
        source
    }

    /// `part` holds at most one line end, at its end.
    fn push_part(&mut self, part: &str, source: &mut String) {
        let ends = part.ends_with('\n');
        match self.state {
            State::After => {}
            State::InLine => {
                source.push_str(part);
                if ends {
                    self.state = State::LineStart;
                }
            }
            State::Before => {
                self.held.push_str(part);
                if ends || self.held.len() > LINE_BYTES_MAX {
                    let line = std::mem::take(&mut self.held);
                    if is_fence(&line) {
                        self.state = State::LineStart;
                    } else if extract::begins_source(&line, self.diagram_type) {
                        source.push_str(&line);
                        self.state = State::LineStart;
                    }
                }
            }
            State::LineStart => {
                self.held.push_str(part);
                let start = self.held.trim_start();
                let may_be_fence = start.is_empty() || is_fence(start) || "```".starts_with(start) || "~~~".starts_with(start);
                if ends && is_fence(start) {
                    self.held.clear();
                    self.state = State::After;
                } else if ends || !may_be_fence || self.held.len() > LINE_BYTES_MAX {
                    source.push_str(&std::mem::take(&mut self.held));
                    self.state = if ends { State::LineStart } else { State::InLine };
                }
            }
        }
    }
}

fn is_fence(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("```") || line.starts_with("~~~")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn streamed(answer: &str, piece: usize) -> String {
        let mut stream = SourceStream::new(DiagramType::Mermaid);
        let chars: Vec<char> = answer.chars().collect();
        chars.chunks(piece).map(|some| stream.push(&some.iter().collect::<String>())).collect()
    }

    #[test]
    fn only_the_source_is_told_however_the_answer_is_cut() {
        let answer = "Here you are:\n```mermaid\nflowchart TD\n  A --> B\n  B --> `x`\n```\nTitle: Two\n";
        for piece in 1..answer.len() {
            assert_eq!(streamed(answer, piece), "flowchart TD\n  A --> B\n  B --> `x`\n", "pieces of {piece}");
        }
    }

    #[test]
    fn a_bare_source_is_told_too() {
        for piece in 1..20 {
            assert_eq!(streamed("flowchart TD\n  A --> B", piece), "flowchart TD\n  A --> B");
        }
    }
}
