//! The grammars' names of what may stand in a place, in words.

/// What the newer grammars put before the names of their own tokens.
const FAMILIES: [&str; 7] = ["EBNF_", "ABNF_", "PEG_", "RR_", "EM_", "WARDLEY_", "TREEMAP_"];
/// How labels end; grammars that list most of these wait for the one that fits.
const LABEL_ENDS: [&str; 12] = [
    "SQE",
    "PE",
    "DIAMOND_STOP",
    "DOUBLECIRCLEEND",
    "STADIUMEND",
    "SUBROUTINEEND",
    "CYLINDEREND",
    "TAGEND",
    "TRAPEND",
    "INVTRAPEND",
    "PIPE",
    "-)",
];

/// Whether `name` ends a label.
pub fn ends_label(name: &str) -> bool {
    LABEL_ENDS.contains(&name)
}

/// In words: `"]"`, `a name`, `an arrow such as "-->"`.
pub fn in_words(name: &str, kind: &str) -> String {
    if let Some(keyword) = name.strip_prefix("KW_") {
        return format!("\"{}\"", keyword.to_ascii_lowercase());
    }
    let bare = FAMILIES.iter().find_map(|family| name.strip_prefix(family)).unwrap_or(name);
    let known = of_kind(name, kind).or_else(|| general(name)).or_else(|| general(bare));
    if let Some(words) = known {
        return words.to_owned();
    }
    let name = bare.trim_matches('\'');
    // `field[source]` and the like say more in the brackets.
    let plain = name.rsplit_once('[').map_or(name, |(_, inner)| inner.trim_end_matches(']'));
    match plain.chars().any(|c| c.is_ascii_lowercase()) || !plain.chars().any(char::is_alphabetic) {
        true => format!("\"{name}\""),
        false => plain.to_ascii_lowercase().replace('_', " "),
    }
}

/// What only repeats itself in long lists: said last, when there is room.
pub fn is_aside(name: &str) -> bool {
    let asides = [
        "acc_",
        "direction_",
        "CLICK",
        "HREF",
        "LINKSTYLE",
        "CSSCLASS",
        "CALLBACK",
        "UNIT",
        "BRKT",
        "PCT",
        "TESTSTR",
        "DOWN",
        "UP",
        "INVALID",
        "legacy_title",
        "SPACE",
    ];
    asides.iter().any(|aside| name.starts_with(aside))
}

fn general(name: &str) -> Option<&'static str> {
    Some(match name {
        "NEWLINE" | "NL" | "SPACELINE" => "a new line",
        "EOF" => "the end of the diagram",
        "SPACE" | "SPACELIST" | "SPACE_BLOCK" => "a space",
        "SEMI" | "SEMICOLON" => "\";\"",
        "AMP" => "\"&\"",
        "COLON" | "COLONSEP" => "\":\"",
        "COMMA" => "\",\"",
        "PIPE" => "\"|\"",
        "DOT" => "\".\"",
        "MINUS" => "\"-\"",
        "PLUS" => "\"+\"",
        "MULT" => "\"*\"",
        "EQUALS" => "\"=\"",
        "UNDERSCORE" => "\"_\"",
        "DQUOTE" => "a double quote",
        "SQS" | "SQUARE_BRACES_START" => "\"[\"",
        "SQE" | "SQUARE_BRACES_END" => "\"]\"",
        "PS" => "\"(\"",
        "PE" => "\")\"",
        "DIAMOND_START" | "STRUCT_START" | "BLOCK_START" | "LBRACE" => "\"{\"",
        "DIAMOND_STOP" | "STRUCT_STOP" | "BLOCK_STOP" | "RBRACE" => "\"}\"",
        "DOUBLECIRCLESTART" => "\"(((\"",
        "DOUBLECIRCLEEND" => "\")))\"",
        "STADIUMSTART" => "\"([\"",
        "STADIUMEND" => "\"])\"",
        "SUBROUTINESTART" => "\"[[\"",
        "SUBROUTINEEND" => "\"]]\"",
        "CYLINDERSTART" => "\"[(\"",
        "CYLINDEREND" => "\")]\"",
        "TRAPSTART" => "\"[/\"",
        "TRAPEND" => "\"\\]\"",
        "INVTRAPSTART" => "\"[\\\"",
        "INVTRAPEND" => "\"/]\"",
        "TAGSTART" => "\"<\"",
        "TAGEND" => "\">\"",
        "ANNOTATION_START" => "\"<<\"",
        "ANNOTATION_END" => "\">>\"",
        "STYLE_SEPARATOR" => "\":::\"",
        "NODE_DSTART" => "a bracket",
        "NODE_DEND" => "a closing bracket",
        "STR_KEY" | "STR_VALUE" | "ATTRIBUTE" | "ATTRIBUTE_EMPTY" => "a value",
        "STR" | "STRING" | "STRING2" | "MD_STR" | "qString" | "STR[link]" | "STR[tooltip]" => {
            "text in double quotes"
        }
        "NUM" | "NUMBER" | "INT" | "NUMERIC" | "NUMBER_PIE" | "NUMBER_WITH_DECIMAL" | "DECIMAL_NUM" => {
            "a number"
        }
        "NODE_STRING" | "NODE_STRING[field]" | "NODE_STRING[value]" | "ALPHA" | "NODE_ID" | "ID"
        | "ENTITY_NAME" | "ATTRIBUTE_WORD" | "WORD" | "UNICODE_TEXT" | "ACTOR" | "IDENTIFIER" | "LINK_ID"
        | "idString[vertex]" | "idString[class]" | "NAME_WITH_SPACES" | "REFERENCE" | "CLASSDEF_ID"
        | "CLASSENTITY_IDS" | "STYLE_IDS" | "BQUOTE_STR" => "a name",
        "TEXT" | "TXT" | "DESCR" | "LABEL" | "restOfLine" | "STYLE_TEXT" | "unqString" | "NODE_DESCR"
        | "NOTE_TEXT" => "text",
        "EDGE_TEXT" => "text on the arrow",
        "SHAPE_DATA" => "\"@{ … }\"",
        "GRAPH" => "\"flowchart\"",
        "DIR" | "NODIR" => "a direction such as \"TD\"",
        "CLASSDEF" | "CLASS_DEF" | "classDef" => "\"classDef\"",
        "LINKSTYLE" => "\"linkStyle\"",
        "acc_title" => "\"accTitle\"",
        "acc_descr" | "acc_descr_multiline_value" => "\"accDescr\"",
        name if name.starts_with("direction_") => "\"direction\"",
        name if name.contains("ARROW") || name.ends_with("_CROSS") || name.ends_with("_POINT") => {
            "an arrow such as \"->>\""
        }
        _ => return None,
    })
}

fn of_kind(name: &str, kind: &str) -> Option<&'static str> {
    Some(match (kind, name) {
        ("flowchart" | "block", "LINK" | "START_LINK") => "an arrow such as \"-->\"",
        (
            "class",
            "AGGREGATION" | "EXTENSION" | "COMPOSITION" | "DEPENDENCY" | "LOLLIPOP" | "LINE" | "DOTTED_LINE",
        ) => "a relation such as \"<|--\"",
        ("architecture", "ARROW_DIRECTION") => "a side: L, R, T or B",
        ("eventmodeling", "EM_FID") => "a frame number",
        ("requirement", "VERIFYMTHD") => "\"verifymethod\"",
        ("requirement", "RISK") => "\"risk\"",
        ("requirement", "TYPE") => "\"type\"",
        ("requirement", "DOCREF") => "\"docref\"",
        ("requirement", "ID") => "\"id\"",
        ("requirement", "TEXT") => "\"text\"",
        ("class", "MEMBER") => "a member",
        ("er", "ZERO_OR_ONE" | "ZERO_OR_MORE" | "ONE_OR_MORE" | "ONLY_ONE" | "MD_PARENT") => {
            "a relation such as \"||--o{\""
        }
        ("er", "IDENTIFYING" | "NON_IDENTIFYING") => "\"--\" or \"..\"",
        ("er", "ATTRIBUTE_KEY") => "\"PK\", \"FK\" or \"UK\"",
        ("gantt", "taskTxt") => "a task",
        ("gantt", "taskData") => "a colon and the task's dates",
        ("journey", "taskName") => "a task",
        ("journey", "taskData") => "a colon, a score and who takes part",
        ("timeline", "period") => "a period",
        ("timeline", "event") => "a colon and an event",
        ("requirement", "LINE" | "END_ARROW_L" | "END_ARROW_R") => "a relation such as \"- satisfies ->\"",
        ("state", "HIDE_EMPTY") => "\"hide empty description\"",
        ("state", "EDGE_STATE") => "\"[*]\"",
        ("state", "COMPOSIT_STATE" | "STATE_DESCR") => "\"state\"",
        ("sankey", "field[source]" | "field[target]") => "a name",
        ("sankey", "field[value]") => "a number",
        ("sankey", "NON_ESCAPED_TEXT" | "ESCAPED_TEXT") => "a name",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_grammars_become_words() {
        for (name, kind, words) in [
            ("SQE", "flowchart", "\"]\""),
            ("LINK", "flowchart", "an arrow such as \"-->\""),
            ("LINE", "class", "a relation such as \"<|--\""),
            ("LINE", "xychart", "line"),
            ("subgraph", "flowchart", "\"subgraph\""),
            ("SOLID_OPEN_ARROW", "sequence", "an arrow such as \"->>\""),
            ("left_of", "sequence", "\"left_of\""),
            ("':'", "wardley", "\":\""),
            ("KW_LABEL", "wardley", "\"label\""),
            ("EBNF_STRING", "railroad", "text in double quotes"),
            ("ARROW_DIRECTION", "architecture", "a side: L, R, T or B"),
            ("VERIFY_TEST", "requirement", "verify test"),
            ("()", "sequence", "\"()\""),
        ] {
            assert_eq!(in_words(name, kind), words, "{name} of {kind}");
        }
    }
}
