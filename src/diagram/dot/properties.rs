//! Whatever is written by the grammar is read; whatever else comes never stops the reader.

use proptest::prelude::*;

use super::{PROBLEMS_MAX, check};

/// A part of a source in which `@` stands for the edge operator.
fn id() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z_é][a-z0-9_日]{0,6}".prop_map(|name| format!("{name}_")),
        "-?([0-9]{1,3}(\\.[0-9]{0,3})?|\\.[0-9]{1,3})",
        "\"([^\"\\\\\0]|\\\\\"|\\\\\\\\|\\\\\n){0,8}\"",
        Just("\"node\" + \"a\"+<b>".to_owned()),
        "<[^<>\0]{0,5}(<[^<>\0]{0,5}>){0,2}[^<>\0]{0,5}>",
    ]
}

fn attributes() -> impl Strategy<Value = String> {
    let attribute = (id(), id(), prop_oneof![Just(""), Just(","), Just(";")])
        .prop_map(|(name, value, separator)| format!("{name} = {value} {separator}"));
    prop::collection::vec(attribute, 0..3).prop_map(|all| format!("[ {} ]", all.join(" ")))
}

fn node() -> impl Strategy<Value = String> {
    (id(), prop::collection::vec(id(), 0..3)).prop_map(|(name, ports)| {
        let ports: String = ports.iter().map(|port| format!(" : {port}")).collect();
        name + &ports
    })
}

fn simple() -> impl Strategy<Value = String> {
    let defaults = (prop_oneof![Just("Node"), Just("edge"), Just("GRAPH")], attributes())
        .prop_map(|(of, attributes)| format!("{of} {attributes}"));
    let assignment = (id(), id()).prop_map(|(name, value)| format!("{name} = {value}"));
    let nodes = prop::collection::vec(node(), 1..3).prop_map(|nodes| nodes.join(" , "));
    let edge = (prop::collection::vec(nodes, 1..4), prop::collection::vec(attributes(), 0..2))
        .prop_map(|(ends, attributes)| format!("{} {}", ends.join(" @ "), attributes.join(" ")));
    let blank = prop_oneof![Just(" /* } */ "), Just("\n# ]\n"), Just(" // \"\n"), Just(" ; "), Just("\n")];
    (prop_oneof![defaults, assignment, edge], blank).prop_map(|(statement, blank)| statement + blank)
}

fn body() -> impl Strategy<Value = String> {
    let statements = prop::collection::vec(simple(), 0..4).prop_map(|all| all.join(" "));
    statements.prop_recursive(4, 24, 3, |inner| {
        (inner.clone(), prop::option::of(id()), prop::collection::vec(inner, 1..3)).prop_map(
            |(before, name, bodies)| {
                let name = name.map_or(String::new(), |name| format!("subgraph {name} "));
                let ends: Vec<String> = bodies.iter().map(|body| format!("{name}{{ {body} }}")).collect();
                format!("{before} {} ", ends.join(" @ "))
            },
        )
    })
}

/// A whole graph and whether it is directed.
fn graph() -> impl Strategy<Value = String> {
    (any::<bool>(), any::<bool>(), prop::option::of(id()), body()).prop_map(
        |(strict, directed, name, body)| {
            let (kind, operator) = if directed { ("digraph", "->") } else { ("graph", "--") };
            let strict = if strict { "strict " } else { "" };
            // Only ours is an operator: no id of the generators holds one between blanks.
            let body = body.replace(" @ ", &format!(" {operator} "));
            format!("{strict}{kind} {} {{ {body} }}", name.unwrap_or_default())
        },
    )
}

proptest! {
    #[test]
    fn what_the_grammar_writes_is_read(graphs in prop::collection::vec(graph(), 1..3)) {
        let source = graphs.join("\n");
        let report = check(&source);
        prop_assert!(report.is_valid(), "{}\n{:?}", source, report.errors);
    }

    #[test]
    fn nothing_stops_the_reader(source in "(?s).{0,400}") {
        prop_assert!(check(&source).errors.len() <= PROBLEMS_MAX);
    }

    #[test]
    fn no_broken_graph_stops_the_reader(graph in graph(), cut in any::<prop::sample::Index>(), length in 0usize..9, with in "[\\[\\]{}<>\"=;:,+@#/*\n\\\\→a-]{0,4}") {
        let chars: Vec<char> = graph.chars().collect();
        let at = cut.index(chars.len());
        let source: String =
            chars[..at].iter().copied().chain(with.chars()).chain(chars[(at + length).min(chars.len())..].iter().copied()).collect();
        let report = check(&source);
        let lines = u32::try_from(source.lines().count() + 1).unwrap();
        prop_assert!(report.errors.iter().chain(&report.warnings).all(|p| (1..=lines).contains(&p.line) && p.column >= 1));
    }
}
