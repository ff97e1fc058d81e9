//! Mermaid's names of diagram types, as people say them.

/// The kind of a type as Mermaid's registry calls it; `None` for what is no diagram.
pub fn of(registered: &str) -> Option<&str> {
    Some(match registered {
        // What the registry keeps for its own messages.
        "error" | "---" => return None,
        "flowchart-v2" | "flowchart-elk" => "flowchart",
        "classDiagram" => "class",
        "stateDiagram" => "state",
        "gitGraph" => "gitgraph",
        "quadrantChart" => "quadrant",
        "treeView" => "treeview",
        "railroadEbnf" | "railroadAbnf" | "railroadPeg" => "railroad",
        other => other,
    })
}
