//! The order in which candidates are tried.

use super::source::Source;
use super::{
    Mended, SOURCE_BYTES_MAX, blocks, classes, entities, flow, header, labels, lists, messages, states,
    wrapping,
};

/// Candidates shown to the parser, at most.
pub const CANDIDATES_MAX: usize = 16;

/// One mend.
pub(super) struct Mend {
    /// What it does, as a clause for people.
    pub(super) what: &'static str,
    /// The mended text; `None` when there is nothing for it to do.
    pub(super) apply: fn(&Source<'_>) -> Option<String>,
}

/// All of them, cheapest first: what surrounds the diagram, its signs, its first line, and then
/// what each kind of diagram gets wrong.
const MENDS: &[Mend] = &[
    Mend { what: "took the code fences out", apply: wrapping::fences },
    Mend { what: "straightened the front matter", apply: wrapping::front_matter },
    Mend { what: "took out text before the diagram", apply: wrapping::before },
    Mend { what: "took out markup behind the diagram", apply: wrapping::markup_behind },
    Mend { what: "made special blanks plain", apply: wrapping::blanks },
    Mend { what: "straightened curly quotes", apply: wrapping::quotes },
    Mend { what: "turned HTML entities into signs", apply: wrapping::entities },
    Mend { what: "wrote arrows in ASCII", apply: wrapping::arrows },
    Mend { what: "spelled the first line right", apply: header::spelling },
    Mend { what: "added the missing first line", apply: header::missing },
    Mend { what: "took out text behind the diagram", apply: wrapping::behind },
    Mend { what: "closed open blocks", apply: blocks::close },
    Mend { what: "left out bare style lines", apply: flow::bare_styles },
    Mend { what: "mended the arrows", apply: flow::arrows },
    Mend { what: "put edge labels between bars", apply: flow::colon_labels },
    Mend { what: "put labels in quotes", apply: labels::quote },
    Mend { what: "renamed reserved ids", apply: flow::reserved_ids },
    Mend { what: "gave names with blanks an id", apply: flow::spaced_ids },
    Mend { what: "mended the messages", apply: messages::arrows },
    Mend { what: "renamed reserved participants", apply: messages::reserved },
    Mend { what: "took signs out of messages", apply: messages::signs },
    Mend { what: "mended the cardinalities", apply: entities::relations },
    Mend { what: "mended the attributes", apply: entities::attributes },
    Mend { what: "mended the transitions", apply: states::transitions },
    Mend { what: "mended the relations of classes", apply: classes::relations },
    Mend { what: "mended the members of classes", apply: classes::members },
    Mend { what: "mended the lines of the list", apply: lists::lines },
    Mend { what: "took out semicolons", apply: wrapping::semicolons },
    Mend { what: "left out activations", apply: messages::activations },
    Mend { what: "left out styles", apply: flow::styles },
];

/// Where the search stands.
enum Stage {
    /// Mends go on top of each other.
    Adding,
    /// Each needless mend is taken back: this one is looked at.
    Dropping(usize),
    Over,
}

/// A search for an accepted candidate: ask for one, say whether it is accepted, and again.
pub(super) struct Search {
    original: String,
    /// Mends in use, as indexes into the table.
    used: Vec<usize>,
    /// The next mend to look at.
    next: usize,
    current: String,
    stage: Stage,
    shown: usize,
    found: Option<Mended>,
}

impl Search {
    /// `None` for a source that is too long.
    pub(super) fn new(source: &str) -> Option<Self> {
        (source.len() <= SOURCE_BYTES_MAX).then(|| Self {
            original: source.to_owned(),
            used: Vec::new(),
            next: 0,
            current: source.to_owned(),
            stage: Stage::Adding,
            shown: 0,
            found: None,
        })
    }

    /// The next candidate; `None` when the search is over.
    pub(super) fn candidate(&mut self) -> Option<&str> {
        if self.shown >= CANDIDATES_MAX {
            return None;
        }
        let is_there = match self.stage {
            Stage::Adding => self.add(),
            Stage::Dropping(from) => self.drop_from(from),
            Stage::Over => false,
        };
        self.shown += 1;
        is_there.then_some(self.current.as_str())
    }

    /// What the parser says of the candidate given last.
    pub(super) fn answer(&mut self, accepted: bool) {
        match (&self.stage, accepted) {
            (Stage::Adding, true) => {
                self.keep();
                self.stage = if self.used.len() > 1 { Stage::Dropping(0) } else { Stage::Over };
            }
            (Stage::Dropping(at), true) => {
                self.used.remove(*at);
                self.keep();
            }
            (Stage::Dropping(at), false) => self.stage = Stage::Dropping(at + 1),
            (Stage::Adding | Stage::Over, _) => {}
        }
    }

    pub(super) fn found(self) -> Option<Mended> {
        self.found
    }

    /// Puts the next mend that does anything on top.
    fn add(&mut self) -> bool {
        while let Some(mend) = MENDS.get(self.next) {
            self.next += 1;
            if let Some(text) = (mend.apply)(&Source::read(&self.current))
                && text != self.current
                && holds_something(&text)
            {
                self.current = text;
                self.used.push(self.next - 1);
                return true;
            }
        }
        false
    }

    /// The candidate without one of the mends in use.
    fn drop_from(&mut self, from: usize) -> bool {
        // The last one made the difference when it was added.
        for at in from..self.used.len().saturating_sub(1) {
            let mut text = self.original.clone();
            for (place, index) in self.used.iter().enumerate() {
                if place != at
                    && let Some(mended) = (MENDS[*index].apply)(&Source::read(&text))
                {
                    text = mended;
                }
            }
            if text != self.original {
                self.current = text;
                self.stage = Stage::Dropping(at);
                return true;
            }
        }
        self.stage = Stage::Over;
        false
    }

    fn keep(&mut self) {
        let what = self.used.iter().map(|index| MENDS[*index].what).collect();
        self.found = Some(Mended { source: self.current.clone(), what });
    }
}

/// Whether anything is left below the first line.
fn holds_something(text: &str) -> bool {
    let source = Source::read(text);
    source.header.is_none() || source.body().any(|line| !line.trim().is_empty())
}
