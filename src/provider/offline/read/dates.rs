//! Dates and durations as people write them.

use jiff::civil::Date;

/// The year of a date that names none, and of a plan that names no day: fixed, so that a draft
/// is always the same.
pub(super) const YEAR: i16 = 2026;
/// Years that a plan may be about.
const YEARS: std::ops::RangeInclusive<i16> = 1900..=2199;
/// Days of a task.
const DAYS_MAX: u32 = 3650;
const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Something about time in a clause: the words it takes, from and behind the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At<T> {
    pub(super) first: usize,
    pub(super) after: usize,
    pub(super) value: T,
}

/// The dates among words: `2026-01-05`, `2026/1/5`, `5.1.2026`, `Jan 5`, `5 January 2026`.
pub(super) fn dates(words: &[&str]) -> Vec<At<Date>> {
    let mut dates = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match date(&words[at..]) {
            Some((value, count)) => {
                dates.push(At { first: at, after: at + count, value });
                at += count;
            }
            None => at += 1,
        }
    }
    dates
}

fn date(words: &[&str]) -> Option<(Date, usize)> {
    let word = bare(words.first()?);
    if let Some(date) = numeric(word) {
        return Some((date, 1));
    }
    let second = words.get(1).map(|word| bare(word))?;
    let (month, day) = match (month(word), month(second)) {
        (Some(month), _) => (month, day(second)?),
        (None, Some(month)) => (month, day(word)?),
        (None, None) => return None,
    };
    // "Jan 5, 2026": a comma that ends the clause has been taken care of by the caller.
    let year =
        words.get(2).and_then(|word| bare(word).parse::<i16>().ok()).filter(|year| YEARS.contains(year));
    Some((Date::new(year.unwrap_or(YEAR), month, day).ok()?, 2 + usize::from(year.is_some())))
}

fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

fn numeric(word: &str) -> Option<Date> {
    let separator = ['-', '/', '.'].into_iter().find(|separator| word.matches(*separator).count() == 2)?;
    let parts: Vec<&str> = word.split(separator).collect();
    let number = |part: &str| {
        (part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit()))
            .then(|| part.parse::<i16>().ok())
            .flatten()
    };
    let [first, second, third] = [number(parts[0])?, number(parts[1])?, number(parts[2])?];
    let (year, month, day) = match (parts[0].len(), parts[2].len(), separator) {
        (4, ..) => (first, second, third),
        (_, 4, '.') => (third, second, first),
        (_, 4, _) => (third, first, second),
        _ => return None,
    };
    if !YEARS.contains(&year) {
        return None;
    }
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn month(word: &str) -> Option<i8> {
    const NAMES: &[&str] = &[
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "sept",
    ];
    let lower = word.to_ascii_lowercase();
    if !NAMES.contains(&lower.as_str()) && !MONTHS.contains(&lower.as_str()) {
        return None;
    }
    let at = MONTHS.iter().position(|month| lower.starts_with(month))?;
    i8::try_from(at + 1).ok()
}

fn day(word: &str) -> Option<i8> {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let ordinal = &word[digits.len()..];
    let is_day = digits.len() <= 2 && matches!(ordinal, "" | "st" | "nd" | "rd" | "th");
    digits.parse().ok().filter(|day| is_day && (1..=31).contains(day))
}

/// The first duration among words: `2 weeks`, `10 days`, `a month`, `3d`, `two weeks`.
pub(super) fn duration(words: &[&str]) -> Option<At<u32>> {
    (0..words.len()).find_map(|at| {
        let word = bare(words[at]);
        if let Some(days) = together(word) {
            return Some(At { first: at, after: at + 1, value: days });
        }
        let (count, unit) = (count(word)?, unit(bare(words.get(at + 1)?))?);
        Some(At { first: at, after: at + 2, value: count.saturating_mul(unit).clamp(1, DAYS_MAX) })
    })
}

/// `3d`, `2w`, `5-day`.
fn together(word: &str) -> Option<u32> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let count: u32 = word.get(..digits)?.parse().ok()?;
    let rest = word[digits..].trim_start_matches('-');
    let unit = match rest {
        "d" => 1,
        "w" | "wk" => 7,
        "mo" => 30,
        _ if word[digits..].starts_with('-') => unit(rest)?,
        _ => return None,
    };
    Some(count.saturating_mul(unit).clamp(1, DAYS_MAX))
}

fn count(word: &str) -> Option<u32> {
    const NUMBERS: &[&str] =
        &["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];
    let lower = word.to_ascii_lowercase();
    if matches!(lower.as_str(), "a" | "an") {
        return Some(1);
    }
    let named = NUMBERS.iter().position(|number| *number == lower).and_then(|at| u32::try_from(at).ok());
    named.or_else(|| lower.parse().ok())
}

fn unit(word: &str) -> Option<u32> {
    match word.to_ascii_lowercase().trim_end_matches('s') {
        "day" | "workday" => Some(1),
        "week" | "wk" => Some(7),
        "month" => Some(30),
        "quarter" => Some(91),
        "year" => Some(365),
        _ => None,
    }
}
