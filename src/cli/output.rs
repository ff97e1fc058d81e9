//! Standard output: lines, tables for people, JSON for programs. Errors are returned, so that a
//! closed pipe ends a verb quietly.

use std::io::{Write, stdout};

use serde::Serialize;

/// Prints a line.
pub(super) fn line(text: &str) -> anyhow::Result<()> {
    raw(&format!("{text}\n"))
}

/// Prints text as it is.
pub(super) fn raw(text: &str) -> anyhow::Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Prints a value as indented JSON.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}

/// A table with a header row, columns as wide as their widest cell.
pub(super) fn table<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> anyhow::Result<()> {
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([header[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = render(header, &widths);
    for row in rows {
        text.push_str(&render(std::array::from_fn(|column| row[column].as_str()), &widths));
    }
    raw(&text)
}

fn render<const N: usize>(cells: [&str; N], widths: &[usize; N]) -> String {
    let padded: Vec<String> = cells
        .iter()
        .zip(widths)
        .map(|(cell, width)| {
            format!("{}{:pad$}", safe(cell), "", pad = width.saturating_sub(cell.chars().count()))
        })
        .collect();
    format!("{}\n", padded.join("  ").trim_end())
}

/// Text from elsewhere, unable to move the cursor or to colour the terminal.
pub(super) fn safe(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c }).collect()
}

/// An amount of the API (`0.000412000`) without the zeros that say nothing: `$0.000412`, `$20.00`.
pub(super) fn dollars(amount: &str) -> String {
    let shortest = amount.find('.').map_or(amount.len(), |point| point + 3).min(amount.len());
    let trimmed = amount.trim_end_matches('0').len().max(shortest);
    format!("${}", safe(&amount[..trimmed]))
}

/// A value that may be missing.
pub(super) fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_keep_their_cents_and_every_figure_that_says_something() {
        for (amount, shown) in [
            ("0.000412000", "$0.000412"),
            ("20.000000000", "$20.00"),
            ("0.100000000", "$0.10"),
            ("0.000000001", "$0.000000001"),
            ("7", "$7"),
            ("-", "$-"),
        ] {
            assert_eq!(dollars(amount), shown);
        }
    }

    #[test]
    fn text_from_elsewhere_cannot_move_the_cursor() {
        assert_eq!(safe("a\u{1b}[2J\r\tb\n"), "a\u{fffd}[2J\u{fffd}\tb\n");
    }
}
