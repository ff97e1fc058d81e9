//! A fault as a sentence that a person, or a model, can act on.

use super::raw::{Fault, Sort};
use super::{dates, hints, tokens};
use crate::diagram::headers;
use crate::domain::{DiagramType, SourceError};

/// Faults told of one source; those behind the first are mostly its echo.
const FAULTS_MAX: usize = 5;
/// Things said to be expected in one place.
const EXPECTED_MAX: usize = 6;
/// Of a label's ends, from which on they are all meant.
const LABEL_ENDS_MIN: usize = 4;
/// Characters of the source that a message repeats.
const QUOTE_CHARS_MAX: usize = 40;
/// Characters of Mermaid's own words.
const MESSAGE_CHARS_MAX: usize = 300;

/// The faults in words, in the order of the source.
pub fn errors(source: &str, kind: Option<&str>, faults: &[Fault]) -> Vec<SourceError> {
    let kind = kind.unwrap_or_default();
    if let Some(error) = misspelt_type(source, faults) {
        return vec![error];
    }
    let mut told: Vec<SourceError> = Vec::new();
    for fault in faults {
        if told.iter().any(|earlier| earlier.line == fault.line && fault.line != 0) {
            continue;
        }
        told.push(dates::error(source, kind, fault).unwrap_or_else(|| SourceError {
            line: fault.line,
            column: fault.column,
            message: message(source, kind, fault),
        }));
        if told.len() == FAULTS_MAX {
            break;
        }
    }
    told
}

fn message(source: &str, kind: &str, fault: &Fault) -> String {
    let line = line_of(source, fault.line);
    let said = match fault.sort {
        Sort::Type => no_such_type(line),
        Sort::FrontMatter => {
            "The front matter that this --- begins is not closed. Put --- alone on a line behind it, no further in than this one."
                .to_owned()
        }
        Sort::Yaml => {
            let reason = fault.message.as_deref().unwrap_or("it is no YAML");
            format!("The settings here are no YAML: {}", sentence(reason))
        }
        Sort::Syntax => expected(kind, fault, &fault.expected),
        Sort::Grammar => expected(kind, fault, &listed(fault.message.as_deref().unwrap_or_default())),
        Sort::Character => format!("{} cannot stand here.", quoted(fault.found.as_deref().unwrap_or_default())),
        Sort::Crash => {
            "Mermaid fails on this diagram and does not say why; look for a line that stands before what it belongs to."
                .to_owned()
        }
        Sort::Rule => sentence(fault.message.as_deref().unwrap_or("Mermaid refuses this diagram")),
    };
    match hints::hint(kind, fault, line) {
        Some(hint) => format!("{said} {hint}"),
        None => said,
    }
}

/// A first word that is nearly a type: Mermaid takes `flowchartt` for a flowchart and then stumbles over
/// the rest of the word; what it says of the lines behind is an echo.
fn misspelt_type(source: &str, faults: &[Fault]) -> Option<SourceError> {
    let fault = faults.iter().find(|fault| fault.line != 0)?;
    let is_before = |line: &&str| !headers::may_precede_source(line, DiagramType::Mermaid);
    let first = source.lines().find(is_before)?;
    let line = line_of(source, fault.line);
    let word = line.split([' ', '\t', ':', ';', '{', '"']).find(|word| !word.is_empty())?;
    if line != first || headers::is_mermaid(word) || fault.sort == Sort::Type {
        return None;
    }
    let meant = headers::nearest_mermaid(word)?;
    let message = format!("Unknown diagram type {}: did you mean {meant}?", quoted(word));
    Some(SourceError { line: fault.line, column: fault.column, message })
}

fn no_such_type(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    if word.is_empty() {
        return "There is no diagram here. Begin with its type, such as \"flowchart TD\" or \"sequenceDiagram\".".to_owned();
    }
    let said = format!("Unknown diagram type {}", quoted(word));
    match headers::nearest_mermaid(word) {
        Some(keyword) => format!("{said}: did you mean {keyword}?"),
        None => format!("{said}. Begin with one, such as \"flowchart TD\" or \"sequenceDiagram\"."),
    }
}

fn expected(kind: &str, fault: &Fault, names: &[String]) -> String {
    let found = found(fault);
    let mut words: Vec<String> = Vec::new();
    let ended = fault.token.as_deref().is_some_and(is_end);
    let in_label = names.iter().filter(|name| tokens::ends_label(name)).count() >= LABEL_ENDS_MIN;
    if in_label {
        words.push("the bracket that closes the label".to_owned());
    }
    let left_out = |name: &&String| (ended && is_end(name)) || (in_label && tokens::ends_label(name));
    let names = names.iter().filter(|name| !left_out(name));
    let (asides, main): (Vec<_>, Vec<_>) = names.partition(|name| tokens::is_aside(name));
    for name in main.into_iter().chain(asides) {
        let word = tokens::in_words(name, kind);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.len() {
        0 => format!("{found}."),
        1 => format!("{found}; expected {}.", words[0]),
        many if many <= EXPECTED_MAX => {
            let last = words.pop().unwrap_or_default();
            format!("{found}; expected {} or {last}.", words.join(", "))
        }
        many => {
            words.truncate(EXPECTED_MAX);
            format!("{found}; expected {}, or one of {} other things.", words.join(", "), many - EXPECTED_MAX)
        }
    }
}

/// Whether a token is the end of the text.
fn is_end(token: &str) -> bool {
    matches!(token, "EOF" | "EOF_IN_STRUCT")
}

fn found(fault: &Fault) -> String {
    let text = fault.found.as_deref().unwrap_or_default();
    match fault.token.as_deref() {
        Some(token) if is_end(token) => "The diagram ends too early".to_owned(),
        Some(_) if text.trim().is_empty() && text.contains('\n') => "The line ends too early".to_owned(),
        Some(_) if text.trim().is_empty() => "A space cannot stand here".to_owned(),
        Some(_) => format!("{} cannot stand here", quoted(text)),
        None => "This text means nothing here".to_owned(),
    }
}

/// What the newer grammars say they expected: `token of type 'EOF'`, or the first of each of
/// `1. [NEWLINE, ID]`.
fn listed(message: &str) -> Vec<String> {
    if let Some((_, rest)) = message.split_once("token of type '") {
        return rest.split_once("' but found").map(|(name, _)| name.to_owned()).into_iter().collect();
    }
    if message.contains("Redundant input") {
        return vec!["EOF".to_owned()];
    }
    let before = message.rsplit_once("but found").map_or(message, |(before, _)| before);
    let sequences = before.split('[').skip(1).filter_map(|rest| rest.split([',', ']']).next());
    sequences.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
}

fn line_of(source: &str, line: u32) -> &str {
    let Some(index) = line.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else { return "" };
    source.lines().nth(index).unwrap_or_default()
}

/// In quotes, shortened, without what a terminal would act on.
fn quoted(text: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut short: String = text.trim().chars().take(QUOTE_CHARS_MAX).map(visible).collect();
    if text.trim().chars().nth(QUOTE_CHARS_MAX).is_some() {
        short.push('…');
    }
    if short == "\"" {
        return "A double quote".to_owned();
    }
    match short.starts_with('"') && short.ends_with('"') && short.len() > 1 {
        true => short,
        false => format!("\"{short}\""),
    }
}

/// Mermaid's words as one sentence.
fn sentence(message: &str) -> String {
    let words = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut said: String = words.chars().take(MESSAGE_CHARS_MAX).map(visible).collect();
    if words.chars().nth(MESSAGE_CHARS_MAX).is_some() {
        said.push('…');
    } else if !said.ends_with(['.', '!', '?']) {
        said.push('.');
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_newer_grammars_expect_is_read_out_of_their_words() {
        assert_eq!(listed("Expecting token of type 'EOF' but found `<`."), ["EOF"]);
        let sequences = "Expecting: one of these possible Token sequences:\n  1. [NEWLINE]\n  2. [EOF, ID]\nbut found: 'label'";
        assert_eq!(listed(sequences), ["NEWLINE", "EOF"]);
        assert_eq!(listed("Redundant input, expecting EOF but found: x"), ["EOF"]);
        assert!(listed("").is_empty());
    }

    #[test]
    fn a_type_with_a_letter_too_many_is_told_as_that_and_alone() {
        let at = |line, found: &str| Fault {
            line,
            column: 1,
            found: Some(found.to_owned()),
            sort: Sort::Syntax,
            token: Some("NODE_STRING".to_owned()),
            expected: Vec::new(),
            message: None,
        };
        let told =
            errors("%% x\nflowchartt TD\n a --> b", Some("flowchart"), &[at(2, "flowchartt"), at(3, "a")]);
        let words: Vec<&str> = told.iter().map(|error| error.message.as_str()).collect();
        assert_eq!(words, ["Unknown diagram type \"flowchartt\": did you mean flowchart?"]);
        let told = errors("flowchart TD\n a b", Some("flowchart"), &[at(1, "TD")]);
        assert!(!told[0].message.contains("Unknown"), "{}", told[0].message);
    }

    #[test]
    fn quotes_are_short_and_harmless() {
        assert_eq!(quoted("a\u{1b}[2J"), "\"a\u{fffd}[2J\"");
        assert_eq!(quoted(&"x".repeat(99)).chars().count(), QUOTE_CHARS_MAX + 3);
        assert_eq!(sentence("two\n words"), "two words.");
    }
}
