//! How many edges a flowchart's lists of nodes make: `a & b --> c & d` are four. Two long lists
//! in one line are millions, more than any memory holds while they are read.

/// Four times what Mermaid takes; what is found here may be counted too high.
pub const EDGES_MAX: usize = 2_000;

/// At least the edges that lists make; a label with `&` in it counts as if it were a list.
pub fn of_lists(source: &str) -> usize {
    source.split(['\n', ';']).map(of_statement).fold(0, usize::saturating_add)
}

fn of_statement(statement: &str) -> usize {
    if !statement.contains('&') {
        return 0;
    }
    let (mut edges, mut before) = (0_usize, 0_usize);
    let (mut nodes, mut last) = (1_usize, ' ');
    for character in statement.chars() {
        // Links have two of these, one after the other: `--`, `==`, `-.`, `~~`.
        if matches!((last, character), ('-', '-' | '.') | ('=', '=') | ('~', '~')) {
            edges = edges.saturating_add(before.saturating_mul(nodes));
            // A list of one may be the text of a link, or the rest of its arrow.
            before = if nodes > 1 { nodes } else { before.max(1) };
            nodes = 1;
        }
        nodes += usize::from(character == '&');
        last = character;
    }
    edges.saturating_add(before.saturating_mul(nodes))
}

#[cfg(test)]
mod tests {
    use super::of_lists;

    #[test]
    fn lists_are_multiplied_and_single_edges_are_free() {
        assert_eq!(of_lists("flowchart TD\n a --> b\n c[R&D]"), 0);
        assert!(of_lists("a & b --> c & d") >= 4);
        assert!(of_lists("a & b --> c & d") < 20);
        let side = vec!["n"; 40].join(" & ");
        for link in ["-->", "---", "==>", "-.->", "~~~", "-- text -->", "-->|text|"] {
            assert!(of_lists(&format!("{side} {link} {side}")) >= 1_600, "{link}");
        }
        assert!(of_lists(&format!("{side} --> a")) < 200, "a fan is no square");
        assert!(of_lists(&"a & b --> c & d\n".repeat(400)) >= 1_600);
    }
}
