//! A Gantt chart's dates that are none: which format was expected, and where it stands.

use super::raw::{Fault, Sort};
use crate::domain::SourceError;

/// What Mermaid says before the text that it took for a date.
const SAID: &str = "Invalid date:";
/// Mermaid's own format, where a chart names none.
const USUAL: &str = "YYYY-MM-DD";
/// Characters of the source that a message repeats.
const QUOTE_CHARS_MAX: usize = 40;

/// The fault in words, with its place when one line alone can be meant; `None` for another fault.
pub fn error(source: &str, kind: &str, fault: &Fault) -> Option<SourceError> {
    let said = fault.message.as_deref().filter(|_| kind == "gantt" && fault.sort == Sort::Rule)?;
    let date = said.split_once(SAID)?.1.trim();
    let format = quoted(format_of(source));
    let message = format!(
        "\"{}\" is no date. This chart writes dates as {format} (dateFormat says so), and a task as \
         Name : id, start, end or length, such as Design : d1, {}, 3d.",
        quoted(date),
        example(&format)
    );
    let (line, column) = place(source, date).unwrap_or((fault.line, fault.column));
    Some(SourceError { line, column, message })
}

/// As much of the source as a message repeats.
fn quoted(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(QUOTE_CHARS_MAX).collect()
}

fn format_of(source: &str) -> &str {
    let named = source.lines().find_map(|line| line.trim().strip_prefix("dateFormat"));
    named.map(str::trim).filter(|format| !format.is_empty()).unwrap_or(USUAL)
}

/// A day as the format writes it; the usual format's for letters that are not of a date.
fn example(format: &str) -> String {
    let letters = [
        ("YYYY", "2026"),
        ("YY", "26"),
        ("MM", "11"),
        ("DD", "24"),
        ("HH", "09"),
        ("mm", "30"),
        ("ss", "00"),
    ];
    let written =
        letters.iter().fold(format.to_owned(), |text, (letter, number)| text.replace(letter, number));
    if written.chars().any(|c| c.is_alphabetic() && c != 'T') { "2026-11-24".to_owned() } else { written }
}

/// Where it stands as a part of a task, when only one line has it.
fn place(source: &str, date: &str) -> Option<(u32, u32)> {
    let mut found = source.lines().enumerate().filter_map(|(index, line)| {
        let (name, rest) = line.split_once(':')?;
        let part = rest.split(',').find(|part| part.trim() == date)?;
        // Both are slices of the line, so that the difference of lengths is where it begins.
        let before = rest.find(part)? + (part.len() - part.trim_start().len());
        let column = name.chars().count() + 1 + rest[..before].chars().count() + 1;
        Some((u32::try_from(index + 1).ok()?, u32::try_from(column).ok()?))
    });
    let only = found.next()?;
    found.next().is_none().then_some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_found_where_it_stands_and_shown_as_it_is_to_be_written() {
        let source = "gantt\n dateFormat DD.MM.YYYY\n x : a1, 12/03/2024, 3d";
        assert_eq!(place(source, "12/03/2024"), Some((3, 10)));
        assert_eq!(place("gantt\n a: x, 1d\n b: x, 1d", "x"), None, "it may be either");
        assert_eq!(format_of(source), "DD.MM.YYYY");
        assert_eq!(example("DD.MM.YYYY"), "24.11.2026");
        assert_eq!(example("YYYY-MM-DDTHH:mm"), "2026-11-24T09:30");
        assert_eq!(example("X"), "2026-11-24");
    }

    #[test]
    fn a_message_repeats_no_more_of_a_source_than_a_line_of_it() {
        let source = format!("gantt\n dateFormat {0}\n x : a1, {0}, 3d", "Y".repeat(10_000));
        let message = format!("Invalid date:{}", "Y".repeat(10_000));
        let fault = Fault {
            line: 3,
            column: 1,
            sort: Sort::Rule,
            token: None,
            found: None,
            expected: Vec::new(),
            message: Some(message),
        };
        let told = error(&source, "gantt", &fault).unwrap().message;
        assert!(told.len() < 400, "{}", told.len());
    }
}
