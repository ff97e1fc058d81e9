//! Plans: tasks with dates ("Design 2026-01-05 to 2026-01-12") or durations ("Build for 2 weeks").

use crate::provider::offline::sketch::{ELEMENTS_MAX, Task};
use crate::provider::offline::words;

/// The first day of a plan that names none: fixed, so that a draft is always the same.
const FIRST_DAY: &str = "2026-01-05";

/// The tasks of a text; `None` when none has a date or a duration.
pub(super) fn read(prompt: &str) -> Option<Vec<Task>> {
    let mut tasks: Vec<Task> = Vec::new();
    for sentence in words::sentences(prompt) {
        for clause in sentence.split([',', ';']).flat_map(|part| part.split(" then ")) {
            if tasks.len() < ELEMENTS_MAX
                && let Some(task) = task(clause)
            {
                tasks.push(task);
            }
        }
    }
    if let Some(first) = tasks.first_mut().filter(|task| task.start.is_none()) {
        first.start = Some(FIRST_DAY.to_owned());
    }
    (!tasks.is_empty()).then_some(tasks)
}

fn task(clause: &str) -> Option<Task> {
    let words: Vec<&str> = clause.split_whitespace().collect();
    let dates: Vec<(usize, jiff::civil::Date)> =
        words.iter().enumerate().filter_map(|(at, word)| date(word).map(|date| (at, date))).collect();
    let duration = duration(&words);
    let first = dates.first().map(|(at, _)| *at).into_iter().chain(duration.map(|(at, _)| at)).min()?;
    let head = words[..first].join(" ");
    let name = head.trim_end_matches([':', '-', '(', ' ']);
    let name = [" from", " for", " takes", " on", " until", " lasts"]
        .iter()
        .fold(name, |name, tail| name.strip_suffix(tail).unwrap_or(name));
    let name = words::label(name.rsplit(':').next().unwrap_or(name));
    if name.is_empty() {
        return None;
    }
    let days = match (dates.as_slice(), duration) {
        ([(_, start), (_, end), ..], _) => {
            start.until(*end).ok().and_then(|span| u32::try_from(span.get_days()).ok()).unwrap_or(1)
        }
        (_, Some((_, days))) => days,
        _ => 1,
    };
    Some(Task { name, start: dates.first().map(|(_, date)| date.to_string()), days: days.max(1) })
}

fn date(word: &str) -> Option<jiff::civil::Date> {
    word.trim_matches(|c: char| !c.is_ascii_digit()).parse().ok()
}

/// `2 weeks`, `10 days`, `1 month`: where it stands and its days.
fn duration(words: &[&str]) -> Option<(usize, u32)> {
    words.windows(2).enumerate().find_map(|(at, pair)| {
        let count: u32 = pair[0].trim_matches(['(', ')']).parse().ok()?;
        let unit = pair[1].trim_matches(|c: char| !c.is_alphabetic()).to_ascii_lowercase();
        let days = match unit.trim_end_matches('s') {
            "day" => 1,
            "week" => 7,
            "month" => 30,
            _ => return None,
        };
        Some((at, count.saturating_mul(days).min(3650)))
    })
}
