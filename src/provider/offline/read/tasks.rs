//! Plans: "Design from 2026-01-05 to 2026-01-12", "Testing 5 days after Design", "Build (2w)",
//! "Launch on 1 March".

use jiff::civil::Date;

use crate::provider::offline::sentences::{Item, item, lines, sentences};
use crate::provider::offline::sketch::{ELEMENTS_MAX, Length, Plan, Start, Task};
use crate::provider::offline::words::{self, Text};

use super::dates::{self, At};

/// Days of a task that states none.
const DAYS_DEFAULT: u32 = 5;
const AFTER: &[&str] =
    &["after", "following", "once", "when", "depends on", "follows", "starts after", "as soon as"];
/// Between a task's name and its time.
const TAILS: &[&str] = &[
    "from",
    "for",
    "takes",
    "take",
    "taking",
    "on",
    "until",
    "lasts",
    "last",
    "starts",
    "starting",
    "start",
    "begins",
    "runs",
    "is",
    "at",
    "in",
    "which",
    "and",
    "needs",
    "will",
    "by",
    "due",
    "scheduled",
    "phase lasts",
    "about",
    "of",
    "ends",
    "between",
];

/// The tasks of a text; `None` when none has a date or a duration.
pub(super) fn read(body: &str) -> Option<Plan> {
    let mut plan = Plan::default();
    let mut section = None;
    for line in lines(body) {
        if let Some(title) = section_title(line) {
            section = Some(title);
            continue;
        }
        for clause in clauses(line) {
            if plan.tasks.len() >= ELEMENTS_MAX {
                plan.is_shortened = true;
                break;
            }
            let task = task(&clause, &plan, section.as_deref());
            plan.tasks.extend(task);
        }
    }
    (!plan.tasks.is_empty()).then_some(plan)
}

/// Steps as tasks of the usual length, one after the other.
pub(super) fn of_steps(steps: &[String]) -> Plan {
    let mut plan = Plan { is_shortened: steps.len() > ELEMENTS_MAX, ..Plan::default() };
    for name in steps.iter().take(ELEMENTS_MAX) {
        let start = behind_last(&plan);
        plan.tasks.push(Task {
            name: name.clone(),
            section: None,
            start,
            length: Length::Days(DAYS_DEFAULT),
        });
    }
    plan
}

/// A line that ends in a colon and is no task.
fn section_title(line: &str) -> Option<String> {
    let text = item(line).map_or(line, |item: Item<'_>| item.text);
    let title = text.trim().strip_suffix(':').or_else(|| text.trim().strip_prefix("## "))?;
    Some(words::label(title)).filter(|title| !title.is_empty())
}

/// Parts of a line that hold one task each; a comma inside of a date does not part.
fn clauses(line: &str) -> Vec<String> {
    let mut clauses = Vec::new();
    for sentence in sentences(line) {
        let text = Text::new(&sentence.text);
        let mut from = 0;
        for at in 1..text.words.len() {
            let gap = text.gap(at);
            let is_year =
                text.words[at].lower.len() == 4 && text.words[at].lower.bytes().all(|b| b.is_ascii_digit());
            let comma = gap.contains([',', ';', '、', '，']) && !is_year;
            let joins = text.matches(at, &["then", "and then", "followed by", "and finally", "finally"]);
            if comma || joins > 0 {
                let end = if comma {
                    text.words[at - 1].end + gap.find(')').map_or(0, |at| at + 1)
                } else {
                    text.words[at].start
                };
                clauses.push(sentence.text[from..end.max(from)].to_owned());
                from = text.words[at].start;
            }
            if joins > 0 {
                from = text.words.get(at + joins).map_or(sentence.text.len(), |word| word.start);
            }
        }
        clauses.push(sentence.text.get(from..).unwrap_or_default().to_owned());
    }
    clauses.retain(|clause| words::is_readable(clause));
    clauses
}

fn task(clause: &str, plan: &Plan, section: Option<&str>) -> Option<Task> {
    let text = clause.replace('–', "-").replace("—", " - ").replace(" - ", " to ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let dates = dates::dates(&words);
    let duration = dates::duration(&words)
        .filter(|found| dates.iter().all(|date| found.first >= date.after || found.after <= date.first));
    let after = after(&text, plan);
    let first = first_of(&dates, duration, after.as_ref().map(|(at, _)| *at), &words)?;
    let name = name(&words[..first]).or_else(|| name_behind(&words, &dates, duration))?;
    let start = match (dates.first(), after) {
        (_, Some((_, index))) if dates.len() < 2 => Start::After(index),
        (Some(date), _) => Start::On(date.value),
        (None, _) => behind_last(plan),
    };
    let length = match (dates.as_slice(), duration) {
        ([start, end, ..], _) => {
            Length::Until(end.value.max(start.value.saturating_add(jiff::Span::new().days(1))))
        }
        (_, Some(duration)) => Length::Days(duration.value),
        ([only], None) if words[..only.first].iter().any(|word| word.eq_ignore_ascii_case("until")) => {
            Length::Until(only.value)
        }
        ([_], None) => Length::Milestone,
        ([], None) => Length::Days(DAYS_DEFAULT),
    };
    // "until D" begins behind the task before, unless that is later.
    let start = match (&length, start) {
        (Length::Until(end), Start::On(day)) if *end <= day => behind_last(plan),
        (_, start) => start,
    };
    Some(Task { name, section: section.map(str::to_owned), start, length })
}

/// The word at which the name ends.
fn first_of(
    dates: &[At<Date>],
    duration: Option<At<u32>>,
    after: Option<usize>,
    words: &[&str],
) -> Option<usize> {
    let times =
        dates.first().map(|date| date.first).into_iter().chain(duration.map(|duration| duration.first));
    // "after Design" alone is enough of a time.
    let first = times.chain(after).min()?;
    (first <= words.len()).then_some(first)
}

/// "Testing … after Design": where "after" stands, and the task it names.
fn after(clause: &str, plan: &Plan) -> Option<(usize, usize)> {
    let text = Text::new(clause);
    let hit = text.find(AFTER).filter(|hit| hit.first > 0)?;
    let named = text.behind(hit.after).to_lowercase();
    let named = named.trim_start_matches("the ");
    let index = plan.tasks.iter().enumerate().rev().find(|(_, task)| {
        let name = task.name.to_lowercase();
        named.starts_with(&name)
            || (named.len() > 2 && name.starts_with(named.trim_end_matches(['.', ')', ' '])))
    });
    let word = clause[..text.words[hit.first].start].split_whitespace().count();
    index.map(|(at, _)| (word, at))
}

fn behind_last(plan: &Plan) -> Start {
    match plan.tasks.len() {
        0 => Start::On(Date::constant(dates::YEAR, 1, 5)),
        count => Start::After(count - 1),
    }
}

fn name(words: &[&str]) -> Option<String> {
    let mut words = words;
    while let Some((last, before)) = words.split_last() {
        let word = last.trim_matches([':', '-', '(', ',', ' ', '[']).to_lowercase();
        if !word.is_empty() && !TAILS.contains(&word.as_str()) {
            break;
        }
        words = before;
    }
    let text = words.join(" ");
    let text = text.trim_end_matches([':', '-', '(', ',', '[', ' ']);
    let name = words::label(text.rsplit(": ").next().unwrap_or(text));
    words::is_readable(&name).then_some(name)
}

/// "2026-01-05: kickoff", "5 days of testing".
fn name_behind(words: &[&str], dates: &[At<Date>], duration: Option<At<u32>>) -> Option<String> {
    let behind = dates.iter().map(|date| date.after).chain(duration.map(|duration| duration.after)).max()?;
    let rest = words.get(behind..)?.join(" ");
    let name = words::label(words::without_first(rest.trim_start_matches([':', '-', ' ']), &["of", "for"]));
    words::is_readable(&name).then_some(name)
}
