//! Where a source names files: its pictures and fonts. Nothing here may open one for a caller.

use super::lexer::Lexer;
use super::problem::{PROBLEMS_MAX, Problem, place};
use super::token::{Kind, Token};

/// The attributes whose values Graphviz opens as files, or looks for files in.
/// <https://graphviz.org/doc/info/attrs.html>
const NAMING: [&str; 6] = ["image", "imagepath", "shapefile", "fontpath", "stylesheet", "_background"];

/// Each place where a source names a file, at most [`PROBLEMS_MAX`].
pub fn files(source: &str) -> Vec<Problem> {
    let mut lexer = Lexer::new(source);
    let mut problems = Vec::new();
    let (mut before, mut last) = (None, lexer.next());
    while last.kind != Kind::End && problems.len() < PROBLEMS_MAX {
        let next = lexer.next();
        if let Some(what) = names_file(before, last, next) {
            let (line, column) = place(source, last.at);
            problems.push(Problem { line, column, expected: "", message: what });
        }
        (before, last) = (Some(last), next);
    }
    problems
}

/// What is said when `token` names a file, or might.
fn names_file(before: Option<Token<'_>>, token: Token<'_>, next: Token<'_>) -> Option<String> {
    if token.text.starts_with('<') && contains_picture(token.text) {
        return Some("A label may hold no picture (<IMG>): the server opens no files. Leave it out.".into());
    }
    if next.kind != Kind::Equals || !token.is_id() {
        return None;
    }
    let name = token.text.trim_matches('"');
    // `"im"+"age"` and a name that goes on in the next line are one name to Graphviz.
    let is_joined = before.is_some_and(|before| before.kind == Kind::Plus) || name.contains('\\');
    if is_joined {
        return Some("Write the attribute's name in one piece.".into());
    }
    // An HTML-like id is a legal name, and to Graphviz `<image>` is `image`.
    if token.text.starts_with('<') {
        return Some("Write the attribute's name without < and >.".into());
    }
    let is_naming = NAMING.iter().any(|naming| naming.eq_ignore_ascii_case(name));
    is_naming.then(|| format!("The attribute {name} names a file, and the server opens none. Leave it out."))
}

fn contains_picture(markup: &str) -> bool {
    markup.as_bytes().windows(4).any(|bytes| bytes.eq_ignore_ascii_case(b"<img"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(source: &str) -> Vec<(u32, u32)> {
        files(source).iter().map(|problem| (problem.line, problem.column)).collect()
    }

    #[test]
    fn every_way_to_name_a_file_is_seen() {
        for (source, at) in [
            ("digraph { a [image=\"/etc/passwd\"] }", (1, 14)),
            ("digraph {\n imagepath=\"/etc\" }", (2, 2)),
            ("digraph { node [IMAGE=x] }", (1, 17)),
            ("digraph { a [\"shapefile\"=x] }", (1, 14)),
            ("digraph { a [\"im\"+\"age\"=x] }", (1, 19)),
            ("digraph { a [\"im\\\nage\"=x] }", (1, 14)),
            ("digraph { a [label=<<TABLE><TR><TD><Img SRC=\"x\"/></TD></TR></TABLE>>] }", (1, 20)),
            ("digraph { a [<image>=\"x.png\"] }", (1, 14)),
            ("digraph { a [<i&#109;age>=x] }", (1, 14)),
            ("digraph { _background=\"c 7\" }", (1, 11)),
        ] {
            assert_eq!(places(source), [at], "{source}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_fine() {
        for source in [
            "digraph { image -> b [label=\"image=x\"] }",
            "digraph { a [label=<<B>img</B>>] // image=x\n }",
            "digraph { a [label=\"<img>\", tooltip=image] }",
            "digraph",
            "\"",
        ] {
            assert_eq!(places(source), [], "{source}");
        }
    }
}
