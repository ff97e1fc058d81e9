//! Whether a source is Graphviz DOT, by the published grammar of the language.
//!
//! Called by whatever validates a diagram of type `graphviz`. It reads text and nothing else: it
//! never draws, never runs `dot`, never recurses, and takes time linear in the source.
//!
//! The grammar is that of <https://graphviz.org/doc/info/lang.html> as Graphviz's own parser reads
//! it, where the two differ: several graphs in one file, lists of nodes as ends of an edge,
//! an empty statement refused, a port whose compass point is any id. On purpose it is stricter than
//! `dot` in four places: a file without a graph, a mark `@` behind the last graph (`dot` stops
//! reading there without a word), a byte order mark or a NUL, and more than [`DEPTH_MAX`]
//! subgraphs inside one another.

mod files;
mod lexer;
mod mistakes;
mod parser;
mod problem;
mod recovery;
mod token;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

pub use files::files;
pub use parser::{DEPTH_MAX, check};
pub use problem::{PROBLEMS_MAX, Problem, Report};
