//! Sentences about a token that does not fit: what it is, and what was probably meant.

use super::token::{Keyword, Kind, Token, Unclosed};

/// Characters of a source that a message shows at most.
const SHOWN_CHARS_MAX: usize = 24;

/// Where a token was met.
pub(super) struct Context<'s> {
    pub(super) source: &'s str,
    pub(super) directed: bool,
    /// Line and column of the innermost open brace.
    pub(super) open: Option<(u32, u32)>,
    pub(super) expected: &'static str,
}

/// What is wrong with `found` and what to do.
pub(super) fn explain(found: Token<'_>, context: &Context<'_>) -> String {
    let Context { expected, .. } = context;
    if let Some(sentence) = known(found, context) {
        return sentence;
    }
    format!("Expected {expected}, found {}.{}", shown(found), hint(found, context))
}

/// Mistakes with a sentence of their own.
fn known(found: Token<'_>, context: &Context<'_>) -> Option<String> {
    let rest = &context.source[found.at..];
    Some(match found.kind {
        Kind::Unclosed(Unclosed::Quotes) => {
            "The text that begins here is never closed; end it with a double quote, and write a double quote inside as \\\".".to_owned()
        }
        Kind::Unclosed(Unclosed::Markup) => {
            "The HTML text that begins here is never closed: its < and > must balance; write &lt; and &gt; for single ones.".to_owned()
        }
        Kind::Unclosed(Unclosed::Comment) => "The comment that begins here is never closed; end it with */.".to_owned(),
        Kind::End => match context.open {
            Some((line, column)) => format!(
                "The source ends, but the {{ of line {line}, column {column} is not closed; add a }}."
            ),
            None if context.expected == "digraph or graph" => {
                "There is no graph here; begin with: digraph G {".to_owned()
            }
            None => format!("The source ends; expected {}.", context.expected),
        },
        _ if context.open.is_none() => return outside(found, context),
        Kind::Line if rest.starts_with("-->") && context.directed => {
            "--> is no arrow of DOT; write -> in a digraph.".to_owned()
        }
        Kind::Line if context.directed => {
            "-- belongs to an undirected graph; in a digraph write ->, or begin with graph.".to_owned()
        }
        Kind::Arrow if !context.directed => {
            "-> belongs to a digraph; in a graph write --, or begin with digraph.".to_owned()
        }
        Kind::Stray if found.text == ">" && context.source[..found.at].ends_with('=') => {
            "=> is no arrow of DOT; write ->.".to_owned()
        }
        Kind::Semicolon if context.expected.starts_with("a statement") => {
            "There is no statement before this semicolon; remove it.".to_owned()
        }
        Kind::Keyword(_) if matches!(context.expected, "a node" | "a node or a subgraph" | "a value" | "a port" | "name=value or ]") => {
            format!(
                "{} is a keyword of DOT in any case and never an id; choose another id or put it in double quotes.",
                shown(found)
            )
        }
        _ => return None,
    })
}

/// Mistakes where a graph should begin.
fn outside(found: Token<'_>, context: &Context<'_>) -> Option<String> {
    let rest = &context.source[found.at..];
    let starts = |start: &str| rest.starts_with(start);
    (context.expected == "digraph or graph").then(|| {
        if starts("```") {
            "This is a code fence of Markdown; leave it out.".to_owned()
        } else if starts("\u{feff}") {
            "The source begins with an invisible byte order mark; remove it.".to_owned()
        } else if found.kind == Kind::BraceClose {
            "There is one } too many.".to_owned()
        } else {
            format!(
                "A graph begins with digraph or graph and holds everything in its braces; {} is outside.",
                shown(found)
            )
        }
    })
}

fn hint(found: Token<'_>, context: &Context<'_>) -> &'static str {
    let in_attributes = matches!(context.expected, "name=value or ]" | "= and a value");
    match found.kind {
        Kind::BracketClose | Kind::Comma | Kind::Semicolon if context.expected == "= and a value" => {
            " Every attribute needs a value: bold=true. A text of several words stands in double quotes."
        }
        Kind::Id | Kind::Quoted if in_attributes => " A text of several words stands in double quotes.",
        Kind::Stray if in_attributes => " Put texts with signs in double quotes.",
        Kind::Stray if found.text == "-" => {
            " An arrow is -> without blanks inside; an id with a hyphen stands in double quotes."
        }
        Kind::Stray | Kind::Plus => " An id or text with signs or blanks stands in double quotes.",
        Kind::Colon if context.expected == "an edge, [attributes], ; or }" => {
            " A node has at most a port and a compass point; the text of an edge is written [label=\"text\"]."
        }
        Kind::Keyword(Keyword::Strict | Keyword::Digraph) => " Close the graph before with } first.",
        Kind::BracketClose => " There is one ] too many, or its [ is missing.",
        _ => "",
    }
}

fn shown(token: Token<'_>) -> String {
    match token.kind {
        Kind::Stray => {
            // A token is one byte long here; control characters would not be seen.
            format!("{:?}", token.text)
        }
        Kind::Id | Kind::Quoted | Kind::Keyword(_) => shortened(token.text),
        _ => token.text.to_owned(),
    }
}

/// A text for a message: its first line, not too much of it.
pub(super) fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let mut shown: String = line.chars().filter(|c| !c.is_control()).take(SHOWN_CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// Why a name is hardly meant as one: arrows and curly quotes are letters to Graphviz.
pub(super) fn odd_name(name: &str) -> Option<String> {
    let is_arrow = |c: char| matches!(c, '\u{2190}'..='\u{21ff}' | '\u{27f0}'..='\u{27ff}' | '\u{2900}'..='\u{297f}' | '—' | '–');
    let is_quote = |c: char| matches!(c, '\u{2018}'..='\u{201f}' | '\u{ab}' | '\u{bb}');
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{feff}');
    let shown = shortened(name);
    if name.contains(is_arrow) {
        Some(format!("{shown} is a node's name here, not an edge; write -> or --."))
    } else if name.contains(is_quote) {
        Some(format!("The curly quotes are part of the name {shown}; write straight double quotes."))
    } else if name.contains(is_blank) {
        Some(format!("The name {shown} holds an invisible or special blank; write a plain one."))
    } else {
        None
    }
}
