//! Entities: "a customer has many orders", "an order belongs to a customer", "User (id, name)".

use crate::provider::offline::sketch::{ELEMENTS_MAX, Entities, Many};
use crate::provider::offline::words;

/// The relation's words, how many of the second, and its label.
const RELATIONS: &[(&str, Many, &str)] = &[
    ("has many", Many::Many, "has"),
    ("have many", Many::Many, "has"),
    ("contains many", Many::Many, "contains"),
    ("has one", Many::One, "has"),
    ("has exactly one", Many::One, "has"),
    ("has a", Many::One, "has"),
    ("belongs to", Many::Many, "belongs"),
];

/// The entities of a text; `None` when it has no relation.
pub(super) fn read(prompt: &str) -> Option<Entities> {
    let mut entities = Entities::default();
    for sentence in words::sentences(prompt) {
        for clause in sentence.split(", and ").flat_map(|part| part.split("; ")) {
            relation(clause, &mut entities);
        }
    }
    attributes(prompt, &mut entities);
    (!entities.relations.is_empty()).then_some(entities)
}

fn relation(clause: &str, entities: &mut Entities) {
    let found =
        RELATIONS.iter().find_map(|relation| words::find_word(clause, relation.0).map(|at| (at, relation)));
    let Some(((start, end), (words_used, many, label))) = found else { return };
    let subject = noun(&clause[..start], true);
    for part in clause[end..].split(" and ").flat_map(|part| part.split(',')) {
        let object = noun(part, false);
        if subject.is_empty() || object.is_empty() || entities.entities.len() + 2 > ELEMENTS_MAX {
            continue;
        }
        let (subject, object) = (entities.entity(&subject), entities.entity(&object));
        let relation = if *words_used == "belongs to" {
            (object, subject, *many, "has".to_owned())
        } else {
            (subject, object, *many, (*label).to_owned())
        };
        if !entities.relations.contains(&relation) {
            entities.relations.push(relation);
        }
    }
}

/// `User (id, name, email)` gives an entity its attributes.
fn attributes(prompt: &str, entities: &mut Entities) {
    let mut rest = prompt;
    while let Some((before, after)) = rest.split_once('(') {
        let Some((list, tail)) = after.split_once(')') else { return };
        let name = noun(before, true);
        let known = entities.entities.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(&name));
        if let Some((_, attributes)) = known {
            let names = list.split(',').map(|name| name.trim().replace(' ', "_"));
            attributes.extend(names.filter(|name| !name.is_empty()).take(20));
        }
        rest = tail;
    }
}

/// The noun at the end (or the start) of a phrase, in the singular.
fn noun(phrase: &str, last: bool) -> String {
    let phrase = phrase.split('(').next().unwrap_or(phrase);
    let skip = ["a", "an", "the", "each", "every", "one", "many", "and", "which", "that"];
    let mut words = phrase
        .split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| !word.is_empty() && !skip.contains(&word.to_ascii_lowercase().as_str()));
    let word = if last { words.next_back() } else { words.next() }.unwrap_or_default();
    singular(word)
}

fn singular(word: &str) -> String {
    let lower = word.to_ascii_lowercase();
    let base = if lower.ends_with("ies") && word.len() > 4 {
        format!("{}y", &word[..word.len() - 3])
    } else if lower.ends_with('s') && !lower.ends_with("ss") && !lower.ends_with("us") && word.len() > 3 {
        word[..word.len() - 1].to_owned()
    } else {
        word.to_owned()
    };
    words::capitalised(&base)
}
