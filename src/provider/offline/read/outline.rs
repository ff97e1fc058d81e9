//! Mindmaps: nested lists, headings with items, "Topic: a, b" lines, notes.

use crate::provider::offline::sentences::{item, lines};
use crate::provider::offline::sketch::Outline;
use crate::provider::offline::verbs::is_base;
use crate::provider::offline::words;

/// Deepest level.
const DEPTH_MAX: usize = 6;

/// The outline of a text; `None` when it holds nothing to read.
pub(super) fn read(topic: Option<&str>, body: &str) -> Option<Outline> {
    let mut outline = Outline::default();
    let lines = lines(body);
    let has_items = lines.iter().any(|line| item(line).is_some());
    let mut rest = lines.as_slice();
    let mut root = topic.map(str::to_owned);
    // The line over the list is what it is about.
    if let Some((first, others)) = lines.split_first()
        && root.is_none()
        && !others.is_empty()
        && item(first).is_none()
        && !first.contains([',', ';'])
    {
        root = Some(words::label(first.trim_matches(['#', ':', ' ']))).filter(|root| !root.is_empty());
        rest = if root.is_some() { others } else { rest };
    }
    if has_items {
        nested(rest, &mut outline)
    } else {
        flat(rest, &mut outline)
    }
    if root.is_none() && outline.items.iter().filter(|(depth, _)| *depth == 0).count() == 1 {
        let (_, text) = outline.items.remove(0);
        root = Some(text);
        outline.items.iter_mut().for_each(|(depth, _)| *depth = depth.saturating_sub(1));
    }
    outline.root = root.filter(|root| !root.is_empty())?;
    Some(outline)
}

/// The outline of a prompt that asks for one: some root is always there.
pub(super) fn forced(topic: Option<&str>, body: &str) -> Outline {
    read(topic, body)
        .or_else(|| read(Some("Notes"), body))
        .unwrap_or_else(|| Outline { root: topic.unwrap_or("Notes").to_owned(), ..Outline::default() })
}

/// Whether a text without a word about its kind is an outline: a list in levels, or a heading
/// over a list of things rather than of steps.
pub(super) fn is_outline(topic: Option<&str>, body: &str) -> bool {
    let lines = lines(body);
    let items: Vec<_> = lines.iter().filter_map(|line| item(line)).collect();
    if items.len() < 2 || items.iter().any(|item| item.is_numbered) {
        return false;
    }
    let is_nested = items.windows(2).any(|pair| pair[1].indent > pair[0].indent);
    let has_heading = topic.is_some() || lines.first().is_some_and(|line| item(line).is_none());
    let is_thing = |text: &str| {
        let first = text.split_whitespace().next().unwrap_or_default().to_lowercase();
        text.split_whitespace().count() <= 4 && !is_base(&first)
    };
    is_nested || (has_heading && items.iter().all(|item| is_thing(item.text)))
}

fn nested(lines: &[&str], outline: &mut Outline) {
    let mut indents: Vec<usize> = Vec::new();
    let mut under_heading = 0;
    for line in lines {
        let Some(item) = item(line) else {
            // A line without a mark stands over the items behind it.
            indents.clear();
            under_heading = 1;
            add(outline, 0, line);
            continue;
        };
        indents.retain(|known| *known < item.indent);
        add(outline, (indents.len() + under_heading).min(DEPTH_MAX), item.text);
        indents.push(item.indent);
    }
}

/// "Fruit: apple, pear; Greens: leek": topics and their parts.
fn flat(lines: &[&str], outline: &mut Outline) {
    for line in lines {
        let parts = line
            .split(['.', ';', '。', '；'])
            .flat_map(|part| if part.contains(':') { vec![part] } else { items(part) });
        for part in parts {
            match part.split_once(':') {
                Some((head, list)) if words::is_readable(list) => {
                    add(outline, 0, head);
                    list.split([',', '，', '、'])
                        .flat_map(|part| part.split(" and "))
                        .for_each(|text| add(outline, 1, text));
                }
                _ if part.contains('(') => add(outline, 0, part),
                _ => part.split(" and ").for_each(|text| add(outline, 0, text)),
            }
        }
    }
}

/// Parts at commas, but not inside of brackets: "Product (MVP, roadmap), Market".
fn items(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut from, mut depth) = (0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' | '，' | '、' if depth == 0 => {
                parts.push(&text[from..at]);
                from = at + c.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(&text[from..]);
    parts
}

/// An item, or an item and its parts when it lists them behind a colon.
fn add(outline: &mut Outline, depth: usize, text: &str) {
    let bracketed = text.trim().strip_suffix(')').and_then(|text| text.split_once(" ("));
    match text.split_once(": ").or(bracketed) {
        Some((head, list)) if list.contains(',') && words::is_readable(head) => {
            outline.push(depth, words::label(head));
            list.split(',').for_each(|part| outline.push(depth + 1, words::label(part)));
        }
        _ => outline.push(depth, words::label(text.trim_matches(['#', ' ']))),
    }
}
