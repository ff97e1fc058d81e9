//! Sources and what is said of them, to the letter.

use super::{DEPTH_MAX, PROBLEMS_MAX, Report, check};

fn places(report: &Report) -> Vec<(u32, u32)> {
    report.errors.iter().map(|problem| (problem.line, problem.column)).collect()
}

#[test]
fn what_graphviz_reads_is_valid() {
    for source in [
        "digraph{a}",
        "strict digraph \"a b\" { a -> b -> c [label=\"x\"]; }",
        "STRICT DiGraph X { NODE [shape=box]; Edge [color=red] [style=bold]; GRAPH [rankdir=LR] }",
        "graph 1 { a -- b; b -- -1.5; a---1; a -- {c d} -- e:n:se }",
        "graph <x<b>y> {}",
        "graph \"a\" + \"b\" { \"c\" + \"d\" = \"e\" + <f> }",
        "digraph { a, b -> c, d; rankdir = LR a=b c=d }",
        "digraph { subgraph x { a } -> subgraph { b c } -> { d; } [x=y z=w; v=u,] }",
        "digraph { a [label=\"a \\\" b \\\\\"]; b [label=\"over\\\ntwo\nlines\"]; c [][] }",
        "digraph { a [label=<<b>x</b> &lt;>]; node x=[a=b] }",
        "digraph {\n# a line\n// another }\n/* and * ** / this } */ a }",
        "# first\ngraph { a } digraph { a -> b }\n\tgraph{}\n",
        "digraph { é -> 日本; a:\"p\":<q> }",
        "digraph { 1.2.3; 0x10 a\rb }",
        "digraph{{{}}}",
    ] {
        let report = check(source);
        assert!(report.is_valid(), "{source}: {:?}", report.errors);
    }
}

#[test]
fn every_error_has_its_place_and_a_sentence() {
    for (source, place, says) in [
        ("", (1, 1), "There is no graph here"),
        ("// only\n  ", (2, 3), "There is no graph here"),
        ("flowchart TD", (1, 1), "begins with digraph or graph"),
        ("```dot\ndigraph{}", (1, 1), "code fence"),
        ("\u{feff}digraph{}", (1, 1), "byte order mark"),
        ("digraph{}\n}", (2, 1), "one } too many"),
        ("digraph{} hello", (1, 11), "hello is outside"),
        ("digraph{} @", (1, 11), "is outside"),
        ("digraph a b {}", (1, 11), "Expected the graph's name or {, found b."),
        ("strict { a }", (1, 8), "begins with digraph or graph"),
        ("digraph {\n  a -> b\n", (3, 1), "the { of line 1, column 9 is not closed"),
        ("digraph {\n  é -- b\n}", (2, 5), "in a digraph write ->"),
        ("graph { a -> b }", (1, 11), "in a graph write --"),
        ("digraph { a --> b }", (1, 13), "--> is no arrow of DOT"),
        ("digraph { a => b }", (1, 14), "=> is no arrow"),
        ("digraph { a - > b }", (1, 13), "without blanks inside"),
        ("digraph { a;; }", (1, 13), "remove it"),
        ("digraph { ; }", (1, 11), "remove it"),
        ("digraph { a -> }", (1, 16), "Expected a node or a subgraph, found }."),
        ("digraph { a -> Node }", (1, 16), "Node is a keyword"),
        ("digraph { edge -> b }", (1, 16), "Expected [attributes], found ->."),
        ("digraph { a [edge=b] }", (1, 14), "edge is a keyword"),
        ("digraph { a = graph }", (1, 15), "graph is a keyword"),
        ("digraph { a [bold] }", (1, 18), "Every attribute needs a value"),
        ("digraph { a [label=Pay (card)] }", (1, 24), "Put texts with signs in double quotes"),
        ("digraph { a [label=Pay now] }", (1, 27), "needs a value"),
        ("digraph { a [,x=y] }", (1, 14), "Expected name=value or ], found ,."),
        ("digraph { a [x=y;;z=w] }", (1, 18), "found ;."),
        ("digraph { a [x=y }", (1, 18), "The [ of line 1, column 13 may lack its ]."),
        ("digraph { a ] }", (1, 13), "one ] too many"),
        ("digraph { a:b:c:d }", (1, 16), "at most a port and a compass point"),
        ("digraph { a [l=\"x\n] }", (1, 16), "never closed; end it with a double quote"),
        ("digraph { a [l=<<b>] }", (1, 16), "must balance"),
        ("digraph { /* a }", (1, 11), "end it with */"),
        ("digraph { a + \"b\" }", (1, 13), "stands in double quotes"),
        ("digraph { \"a\" + b }", (1, 17), "Expected text in double quotes, found b."),
        ("digraph { subgraph x; }", (1, 21), "Expected the subgraph's name or {, found ;."),
        ("digraph { a, {b} }", (1, 14), "Expected a node, found {."),
        ("digraph { a\u{c}b }", (1, 12), "\"\\u{c}\""),
        ("digraph { a [x=y] -> b }", (1, 19), "Expected a statement or }, found ->."),
    ] {
        let report = check(source);
        let first = report.errors.first().unwrap_or_else(|| panic!("{source:?} is taken for valid"));
        assert_eq!((first.line, first.column), place, "{source:?}: {}", first.message);
        assert!(first.message.contains(says), "{source:?}: {}", first.message);
        assert!(first.message.ends_with('.') || first.message.ends_with("digraph G {"), "{}", first.message);
        assert!(!first.expected.is_empty(), "{source:?}");
    }
}

#[test]
fn one_error_does_not_hide_the_next_nor_make_others() {
    let source =
        "digraph {\n  a [bold];\n  b -- c\n  node\n  d -> e [label=x y, color=red]\n  f => g;\n  h -> i\n}\n";
    assert_eq!(places(&check(source)), [(2, 10), (3, 5), (5, 5), (6, 6)]);
    let unclosed =
        "digraph {\n  a [label=\"x\"\n  b -> c;\n  d -> e;\n  f [\n    x=y\n    z w\n    v=u\n  ]\n}";
    assert_eq!(places(&check(unclosed)), [(3, 5), (7, 7)]);
    let headers = "digrap x { a -> b }\ngraph { a -> b }\n";
    assert_eq!(places(&check(headers)), [(1, 1), (2, 11)]);
}

#[test]
fn the_kind_is_the_first_graphs() {
    assert_eq!(check("strict Graph { a -> b }").kind, Some("graph"));
    assert_eq!(check("digraph{} graph{}").kind, Some("digraph"));
    assert_eq!(check("subgraph{}").kind, None);
}

#[test]
fn what_is_legal_and_hardly_meant_is_warned_of() {
    for (source, place, says) in [
        ("digraph { a → b }", (1, 13), "not an edge"),
        ("digraph { a [label=“x”] }", (1, 20), "curly quotes"),
        ("digraph { a\u{a0}b }", (1, 11), "special blank"),
        ("digraph { 1a }", (1, 12), "an id of its own"),
        ("digraph { a } \"b", (1, 15), "not read"),
    ] {
        let report = check(source);
        assert!(report.is_valid(), "{source}: {:?}", report.errors);
        let warning = &report.warnings[0];
        assert_eq!((warning.line, warning.column), place, "{source}");
        assert!(warning.message.contains(says), "{source}: {}", warning.message);
    }
}

#[test]
fn depth_and_number_of_errors_are_bounded() {
    let nested = |depth: usize| format!("graph {{{}{}}}", "{".repeat(depth), "}".repeat(depth));
    assert!(check(&nested(DEPTH_MAX)).is_valid());
    let deep = check(&nested(DEPTH_MAX + 1));
    assert_eq!(deep.errors.len(), 1);
    assert!(deep.errors[0].message.contains("take levels out"));
    assert_eq!(check(&"graph { ;".repeat(10_000)).errors.len(), PROBLEMS_MAX);
    assert_eq!(check(&format!("graph {{ {} }}", "→ ".repeat(10_000))).warnings.len(), PROBLEMS_MAX);
}

/// A million of anything costs a bounded number of looks at each byte.
#[test]
fn long_sources_take_linear_time() {
    for piece in ["{", "}", "[", "<", "\"", "a->", "#", "/*", "\n", "graph{", "a[b=c,", "a:b ", "\"a\"+", "é"]
    {
        for opening in ["", "graph {", "digraph { a [", "digraph { a -> "] {
            let source = format!("{opening}{}", piece.repeat(1_000_000 / piece.len()));
            assert!(check(&source).errors.len() <= PROBLEMS_MAX);
        }
    }
}
