//! What is too large to be given to the parser at all.

use crate::domain::SourceError;

/// Mermaid draws no text above 50,000 characters (`maxTextSize`); in bytes, to be safe.
pub const BYTES_MAX: usize = 50_000;
/// Nobody reads a diagram of more lines, and some grammars take quadratic time in them.
pub const LINES_MAX: usize = 2_000;

/// Why a source is too large; `None` for one that is not.
pub fn too_large(source: &str) -> Option<SourceError> {
    let error = |line, message| Some(SourceError { line, column: 0, message });
    if source.len() > BYTES_MAX {
        let bytes = source.len();
        return error(
            0,
            format!(
                "This diagram has {bytes} bytes; Mermaid draws at most {BYTES_MAX}. Split it, or shorten its labels."
            ),
        );
    }
    let ends = source.bytes().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    // `\r\n` ends one line; only a text near the limit is looked at again.
    let ends = if ends >= LINES_MAX { ends - source.matches("\r\n").count() } else { ends };
    if ends >= LINES_MAX {
        let line = u32::try_from(LINES_MAX + 1).unwrap_or(u32::MAX);
        return error(line, format!("This diagram has more than {LINES_MAX} lines. Split it."));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limits_are_met_exactly() {
        assert_eq!(too_large(&"x".repeat(BYTES_MAX)), None);
        assert!(too_large(&"x".repeat(BYTES_MAX + 1)).is_some_and(|e| e.message.contains("50001 bytes")));
        for end in ["\n", "\r", "\r\n"] {
            assert_eq!(too_large(&format!("x{end}").repeat(LINES_MAX - 1)), None, "{end:?}");
            assert_eq!(
                too_large(&format!("x{end}").repeat(LINES_MAX)).map(|e| e.line),
                Some(2001),
                "{end:?}"
            );
        }
    }
}
