//! The pieces a DOT source consists of.

/// A keyword: recognised in any case, never an id unless it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keyword {
    Strict,
    Graph,
    Digraph,
    Node,
    Edge,
    Subgraph,
}

impl Keyword {
    pub(super) fn of(name: &str) -> Option<Self> {
        [
            ("strict", Self::Strict),
            ("graph", Self::Graph),
            ("digraph", Self::Digraph),
            ("node", Self::Node),
            ("edge", Self::Edge),
            ("subgraph", Self::Subgraph),
        ]
        .into_iter()
        .find_map(|(word, keyword)| word.eq_ignore_ascii_case(name).then_some(keyword))
    }
}

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Keyword(Keyword),
    /// A name or a numeral.
    Id,
    /// Text in double quotes or angle brackets: what may be joined by `+`.
    Quoted,
    BraceOpen,
    BraceClose,
    BracketOpen,
    BracketClose,
    Semicolon,
    Comma,
    Colon,
    Equals,
    Plus,
    /// `->`
    Arrow,
    /// `--`
    Line,
    /// A character that begins nothing.
    Stray,
    /// Quoted text, markup or a comment that the file ends in.
    Unclosed(Unclosed),
    End,
}

/// What the file ends in the middle of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unclosed {
    Quotes,
    Markup,
    Comment,
}

/// A piece and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Token<'s> {
    pub(super) kind: Kind,
    /// As it is written.
    pub(super) text: &'s str,
    /// First byte in the source.
    pub(super) at: usize,
    /// Whether only blanks and comments stand before it on its line.
    pub(super) first_of_line: bool,
}

impl Token<'_> {
    /// Whether it may name something.
    pub(super) fn is_id(&self) -> bool {
        matches!(self.kind, Kind::Id | Kind::Quoted)
    }
}
