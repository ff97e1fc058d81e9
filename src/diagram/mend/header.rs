//! Mends of a diagram's first line.

use crate::diagram::kind::Kind;

use super::labels::{Piece, pieces};
use super::names::is_id;
use super::source::{Source, front_matter_end, joined};

/// Lines in which a first line is looked for.
const LINES_LOOKED_AT: usize = 6;

/// Names that people and models give to kinds, in small letters and without signs.
const NAMES: &[(&str, &str)] = &[
    ("flowchart", "flowchart"),
    ("flowdiagram", "flowchart"),
    ("graph", "graph"),
    ("sequencediagram", "sequenceDiagram"),
    ("sequence", "sequenceDiagram"),
    ("classdiagram", "classDiagram"),
    ("classdiagramv2", "classDiagram"),
    ("statediagram", "stateDiagram-v2"),
    ("statediagramv2", "stateDiagram-v2"),
    ("statemachine", "stateDiagram-v2"),
    ("erdiagram", "erDiagram"),
    ("entityrelationshipdiagram", "erDiagram"),
    ("entityrelationdiagram", "erDiagram"),
    ("gantt", "gantt"),
    ("ganttchart", "gantt"),
    ("ganttdiagram", "gantt"),
    ("pie", "pie"),
    ("piechart", "pie"),
    ("journey", "journey"),
    ("userjourney", "journey"),
    ("gitgraph", "gitGraph"),
    ("gitdiagram", "gitGraph"),
    ("mindmap", "mindmap"),
    ("timeline", "timeline"),
    ("quadrantchart", "quadrantChart"),
    ("requirementdiagram", "requirementDiagram"),
    ("requirementsdiagram", "requirementDiagram"),
    ("c4context", "C4Context"),
    ("c4container", "C4Container"),
    ("c4component", "C4Component"),
    ("c4dynamic", "C4Dynamic"),
    ("c4deployment", "C4Deployment"),
    ("sankeybeta", "sankey-beta"),
    ("sankey", "sankey"),
    ("xychart", "xychart"),
    ("xychartbeta", "xychart-beta"),
    ("blockbeta", "block-beta"),
    ("blockdiagram", "block"),
    ("packetbeta", "packet-beta"),
    ("architecture", "architecture-beta"),
    ("architecturebeta", "architecture-beta"),
    ("architecturediagram", "architecture-beta"),
    ("kanban", "kanban"),
    ("kanbanboard", "kanban"),
];

/// The keyword in its own spelling, the direction in capitals, and nothing else on the line that
/// does not belong there.
pub(super) fn spelling(source: &Source<'_>) -> Option<String> {
    let from = front_matter_end(&source.lines).unwrap_or(0);
    let candidates = match source.header {
        Some(header) => header..header + 1,
        None => from..source.lines.len(),
    };
    let mut lines: Vec<String> = source.lines.iter().map(|line| (*line).to_owned()).collect();
    let looked_at = candidates.filter(|at| {
        let line = source.lines[*at].trim();
        !line.is_empty() && !line.starts_with("%%")
    });
    for at in looked_at.take(LINES_LOOKED_AT) {
        if let Some(spelled) = spelled(source.lines[at]) {
            if spelled == source.lines[at].trim_end() {
                return None;
            }
            // Words above a first line that was not known as one are no part of the diagram.
            let is_kept = |(index, line): &(usize, &String)| {
                source.header.is_some() || *index < from || line.trim_start().starts_with("%%")
            };
            let above: Vec<String> =
                lines[..at].iter().enumerate().filter(is_kept).map(|(_, line)| line.clone()).collect();
            lines.drain(..=at);
            return Some(joined(&above) + &spelled + "\n" + &joined(&lines));
        }
    }
    None
}

/// The line as a first line, when its first words name a kind.
fn spelled(line: &str) -> Option<String> {
    let line = line.trim();
    let words: Vec<&str> = line.split_whitespace().collect();
    let squashed = |words: &[&str]| {
        let letters = words.iter().flat_map(|word| word.chars()).filter(|c| c.is_alphanumeric());
        letters.collect::<String>().to_lowercase()
    };
    if let Some(direction) = glued(words.first()?) {
        return Some(format!("flowchart {direction}"));
    }
    let (count, keyword) = (1..=words.len().min(3)).rev().find_map(|count| {
        let name = squashed(&words[..count]);
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, keyword)| (count, *keyword))
    })?;
    // The words behind, as they are written.
    let rest =
        words[..count].iter().fold(line, |rest, word| rest.trim_start().strip_prefix(word).unwrap_or(rest));
    let rest = rest.trim();
    let kind = Kind::of_keyword(keyword)?;
    Some(match kind {
        Kind::Flowchart => {
            let (direction, behind) = direction(rest)?;
            let behind = behind.trim_start_matches([';', ':']).trim();
            if behind.is_empty() {
                format!("{keyword} {direction}")
            } else {
                format!("{keyword} {direction}\n{behind}")
            }
        }
        Kind::Pie | Kind::GitGraph | Kind::XyChart if matches!(rest, "" | ":") => keyword.to_owned(),
        Kind::GitGraph if matches!(rest, "LR" | "TB" | "BT") => format!("{keyword} {rest}:"),
        Kind::Pie | Kind::GitGraph | Kind::XyChart => format!("{keyword} {rest}"),
        _ if matches!(rest, "" | ";" | ":" | "TD" | "TB" | "LR" | "{") => keyword.to_owned(),
        // A sentence that begins with a kind's name.
        _ if rest.split_whitespace().count() > 3 && !rest.contains(['-', ':', '[', '{', '"']) => return None,
        _ => format!("{keyword}\n{rest}"),
    })
}

/// The direction in `flowchartTD` and `graph-LR`.
fn glued(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let direction = word.strip_prefix("flowchart").or_else(|| word.strip_prefix("graph"))?;
    let direction = direction.trim_start_matches(['-', '_', ':']);
    ["TD", "TB", "BT", "LR", "RL"].into_iter().find(|known| known.eq_ignore_ascii_case(direction))
}

/// A flowchart's direction and what follows it; top down when there is none.
fn direction(rest: &str) -> Option<(&'static str, &str)> {
    let end = rest.find([' ', '\t', ';', '\n']).unwrap_or(rest.len());
    let (word, behind) = rest.split_at(end);
    let direction = match word.trim_matches([':', '(', ')', '-', '"']).to_uppercase().as_str() {
        "" | "TD" | "TOPDOWN" | "TOP-DOWN" | "DOWN" | "VERTICAL" | "TTB" => "TD",
        "TB" => "TB",
        "BT" => "BT",
        "LR" | "LTR" | "RIGHT" | "HORIZONTAL" => "LR",
        "RL" | "RTL" => "RL",
        _ if rest.contains("--") => return Some(("TD", rest)),
        _ => return None,
    };
    Some((direction, behind))
}

/// A first line for a body without one, by the signs in it.
pub(super) fn missing(source: &Source<'_>) -> Option<String> {
    if source.header.is_some() {
        return None;
    }
    let has = |sign: &str| source.text.contains(sign);
    let begins = |word: &str| source.lines.iter().any(|line| line.trim_start().starts_with(word));
    let first = source.lines.iter().map(|line| line.trim()).find(|line| !line.is_empty()).unwrap_or_default();
    let keyword = if has("->>") || begins("participant ") || begins("actor ") {
        "sequenceDiagram"
    } else if has("||--") || has("}o--") || has("}|--") || has("|o--") {
        "erDiagram"
    } else if has("[*]") || begins("note right of") || begins("note left of") {
        "stateDiagram-v2"
    } else if has("<|--") || has("--|>") || has("*--") || has("o--") && begins("class ") {
        "classDiagram"
    } else if begins("dateFormat") {
        "gantt"
    } else if first.starts_with("class ") && first.ends_with('{') {
        "classDiagram"
    } else if has("-->") || has("---") || has("==>") || begins("subgraph ") {
        "flowchart TD"
    } else if first.starts_with("class ") || first.starts_with("direction ") && begins("class ") {
        "classDiagram"
    } else if first.ends_with(" {") && first.split_whitespace().count() == 2 {
        "erDiagram"
    } else if matches!(pieces(first).as_slice(), [Piece::Code(id), Piece::Shape(..), ..] if is_id(id)) {
        "flowchart TD"
    } else if begins("commit") && (begins("branch ") || begins("checkout ")) {
        "gitGraph"
    } else {
        return None;
    };
    let from = front_matter_end(&source.lines).unwrap_or(0);
    let body = source.lines[from..].iter().filter(|line| {
        // A language's tag, or a kind's name alone.
        !["mermaid", "er", "class", "state", "sequence"]
            .iter()
            .any(|tag| line.trim().eq_ignore_ascii_case(tag))
    });
    let lines = source.lines[..from].iter().chain([&keyword]).chain(body).copied();
    Some(joined(&lines.collect::<Vec<_>>()))
}
