//! Classes: "class Dog extends Animal with bark()", "Dog and Cat inherit from Animal", "class
//! Order has id, total and a method pay", "a Car has an Engine".

use crate::provider::offline::sentences::sentences;
use crate::provider::offline::sketch::{Bond, Classes, MEMBERS_MAX};
use crate::provider::offline::words::{self, Text};

use super::arrows;
use super::attributes::{attribute, names};

const EXTENDS: &[&str] = &[
    "extends",
    "extend",
    "inherits from",
    "inherit from",
    "inherits",
    "inherit",
    "derives from",
    "derive from",
    "subclass of",
    "is a subclass of",
    "subclasses",
    "is a kind of",
    "are kinds of",
    "is a type of",
    "are types of",
    "is a",
    "is an",
];
const IMPLEMENTS: &[&str] = &["implements", "implement"];
const USES: &[&str] = &["uses", "use", "depends on", "depend on"];
const HAS: &[&str] = &["with", "has", "have", "having", "contains", "consists of", "is composed of"];
const MARKS: &[(&str, &str)] = &[("interface", "interface"), ("abstract", "abstract")];
const SKIPPED: &[&str] = &[
    "a",
    "an",
    "the",
    "each",
    "every",
    "class",
    "classes",
    "interface",
    "abstract",
    "and",
    "that",
    "which",
    "also",
    "base",
    "one",
    "many",
    "named",
    "called",
    "where",
    "both",
];

/// The classes of a text; `None` when it names neither a base nor a class with members.
pub(super) fn read(body: &str) -> Option<Classes> {
    let mut classes = Classes::default();
    for link in arrows::links(body) {
        let (from, to) = (identifier(&link.from.label), identifier(&link.to.label));
        let ends = (classes.class(&from), classes.class(&to));
        if let (Some(from), Some(to)) = ends {
            classes.relate(Bond::Uses, from, to);
        }
    }
    if classes.relations.is_empty() {
        for sentence in sentences(body) {
            read_sentence(&sentence.text, &mut classes);
        }
        parts(&mut classes);
    }
    let has_any = !classes.relations.is_empty()
        || classes.classes.iter().any(|class| !class.fields.is_empty() || !class.methods.is_empty());
    has_any.then_some(classes)
}

/// Classes alone, for a list of names.
pub(super) fn of_names(list: &str) -> Classes {
    let mut classes = Classes::default();
    for name in names(list) {
        classes.class(&identifier(&name));
    }
    classes
}

/// Whether the text speaks of classes, not of whatever extends something.
pub(super) fn speaks_of_classes(body: &str) -> bool {
    words::has(
        body,
        &[
            "class",
            "classes",
            "interface",
            "subclass",
            "inherits",
            "inherit from",
            "inherits from",
            "extends",
            "implements",
            "abstract",
        ],
    )
}

fn read_sentence(sentence: &str, classes: &mut Classes) {
    let mut subjects: Vec<usize> = Vec::new();
    for clause in clauses(sentence) {
        let text = Text::new(clause);
        let bond = [(EXTENDS, Bond::Extends), (IMPLEMENTS, Bond::Implements), (USES, Bond::Uses)]
            .into_iter()
            .filter_map(|(words, bond)| text.find(words).map(|hit| (hit, bond)))
            .min_by_key(|(hit, _)| hit.first);
        if let Some((hit, bond)) = bond {
            let named = classes_of(text.before(hit.first), classes);
            if !named.is_empty() {
                subjects = named;
            }
            let (bases, members) =
                Text::new(text.behind(hit.after)).split(HAS).unwrap_or((text.behind(hit.after), ""));
            for base in classes_of(bases, classes) {
                for derived in subjects.iter().filter(|derived| **derived != base) {
                    classes.relate(bond, *derived, base);
                }
            }
            subjects.iter().for_each(|class| add_members(*class, members, classes));
        } else if let Some((head, members)) = text.split(HAS).or_else(|| described(clause)) {
            let named = classes_of(head, classes);
            if !named.is_empty() {
                subjects = named;
            }
            subjects.iter().for_each(|class| add_members(*class, members, classes));
        } else if words::has(clause, &["class", "interface"]) {
            subjects = classes_of(clause, classes);
        } else {
            subjects.iter().for_each(|class| add_members(*class, clause, classes));
        }
    }
}

/// `Dog: name, bark()`.
fn described(clause: &str) -> Option<(&str, &str)> {
    clause.split_once(':').filter(|(head, _)| Text::new(head).words.len() <= 3)
}

/// Cuts at "and" and commas where a new subject with a verb of its own follows.
fn clauses(sentence: &str) -> Vec<&str> {
    let text = Text::new(sentence);
    let is_verb = |at: usize| [EXTENDS, IMPLEMENTS, USES].iter().any(|verbs| text.matches(at, verbs) > 0);
    let mut clauses = Vec::new();
    let (mut from, mut has_verb) = (0, false);
    for at in 1..text.words.len() {
        let is_and = text.words[at].lower == "and";
        let joins = is_and || text.gap(at).contains(',');
        let next = if is_and { at + 1 } else { at };
        let new_verb = (next..(next + 5).min(text.words.len()))
            .find(|at| is_verb(*at) || text.matches(*at, &["has", "have"]) > 0);
        // "Dog, Cat and Bird extend Animal" is one clause.
        let has_subject =
            new_verb.is_some_and(|verb| verb == next + 1 || (next..verb).all(|at| is_name(&text, at)));
        if joins && has_verb && has_subject {
            clauses.push(&sentence[from..text.words[at].start]);
            from = text.words[next.min(text.words.len() - 1)].start;
            has_verb = false;
        }
        has_verb |= is_verb(at) || text.matches(at, HAS) > 0;
    }
    clauses.push(sentence.get(from..).unwrap_or_default());
    clauses
}

/// Whether a word can be one of several subjects.
fn is_name(text: &Text, at: usize) -> bool {
    let word = &text.words[at];
    let is_called = text.text[word.end..].starts_with('(');
    let is_capital = text.text[word.start..].starts_with(char::is_uppercase);
    !is_called && (is_capital || SKIPPED.contains(&word.lower.as_str()))
}

/// The classes that a list names.
fn classes_of(list: &str, classes: &mut Classes) -> Vec<usize> {
    let mut found = Vec::new();
    for text in names(list) {
        let mark = MARKS.iter().find(|(word, _)| words::has(&text, &[word])).map(|(_, mark)| *mark);
        let name = identifier(&text);
        if name.is_empty() {
            continue;
        }
        if let Some(at) = classes.class(&name) {
            classes.classes[at].mark = classes.classes[at].mark.or(mark);
            found.push(at);
        }
    }
    found
}

/// "name, age and bark()", "a method pay".
fn add_members(at: usize, list: &str, classes: &mut Classes) {
    for member in members(list) {
        let class = &mut classes.classes[at];
        if class.fields.len() + class.methods.len() >= MEMBERS_MAX {
            classes.is_shortened = true;
            return;
        }
        if let Some(part) = part(&member) {
            if let Some(part) = classes.class(&part).filter(|part| *part != at) {
                classes.relate(Bond::Has, at, part);
            }
            continue;
        }
        let class = &mut classes.classes[at];
        let is_method =
            member.contains('(') || words::has(&member, &["method", "methods", "function", "operation"]);
        let text = words::without_first(&member, &["a", "an", "the", "and", "with", "has"]);
        let text = text
            .trim_start_matches("attributes ")
            .trim_start_matches("fields ")
            .trim_start_matches("properties ");
        let text = ["methods ", "method ", "function ", "attribute ", "field ", "property "]
            .iter()
            .fold(text, |text, word| text.strip_prefix(word).unwrap_or(text));
        if is_method {
            let name = text.split('(').next().unwrap_or(text).trim();
            let name = name.strip_suffix(" method").unwrap_or(name);
            let method = words::short(name, 40);
            if words::is_readable(&method) && !class.methods.contains(&method) {
                class.methods.push(method);
            }
        } else {
            let field = attribute(text);
            if words::is_readable(&field.name) && class.fields.iter().all(|other| other.name != field.name) {
                class.fields.push(field);
            }
        }
    }
}

/// "an Engine", "four Wheels": a capital behind an article or a number is a class.
fn part(member: &str) -> Option<String> {
    const COUNTS: &[&str] = &["a", "an", "one", "two", "three", "four", "five", "many", "several"];
    let (count, name) = member.trim().split_once(' ')?;
    let is_class =
        COUNTS.contains(&count) && name.starts_with(char::is_uppercase) && !name.contains([' ', '(']);
    is_class.then(|| words::singular(&identifier(name)))
}

/// Members of a list; commas between brackets part arguments, not members.
fn members(list: &str) -> Vec<String> {
    let mut outside = String::new();
    let mut depth = 0_usize;
    for c in list.chars() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ if depth > 0 => continue,
            _ => {}
        }
        outside.push(c);
    }
    names(&outside)
}

/// "A Car has an Engine": a field that is a class is a part.
fn parts(classes: &mut Classes) {
    let mut found = Vec::new();
    for (whole, class) in classes.classes.iter().enumerate() {
        for (at, field) in class.fields.iter().enumerate() {
            let name = words::singular(&identifier(&field.name));
            let part = classes.classes.iter().position(|other| other.name.eq_ignore_ascii_case(&name));
            if let Some(part) = part.filter(|part| *part != whole) {
                found.push((whole, at, part));
            }
        }
    }
    for (whole, at, part) in found.into_iter().rev() {
        classes.classes[whole].fields.remove(at);
        classes.relate(Bond::Has, whole, part);
    }
}

/// A class's name: its words written together.
fn identifier(text: &str) -> String {
    let parsed = Text::new(text);
    let words: Vec<String> = parsed
        .words
        .iter()
        .filter(|word| !SKIPPED.contains(&word.lower.as_str()))
        .take(3)
        .map(|word| words::capitalised(&text[word.start..word.end]))
        .collect();
    words.concat().chars().filter(|c| *c != '\'').take(40).collect()
}
