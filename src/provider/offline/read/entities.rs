//! Entities: "a customer has many orders", "an order belongs to a customer", "User has id, name
//! and email", "orders(id, total)".

use crate::provider::offline::sentences::sentences;
use crate::provider::offline::sketch::{Entities, MEMBERS_MAX, Many, Relation};
use crate::provider::offline::words::{self, Text};

use super::arrows;
use super::attributes::{attributes, names};

/// Before the second entity: there are many of it.
const MANY: &[&str] = &[
    "many",
    "multiple",
    "several",
    "one or more",
    "zero or more",
    "one or many",
    "zero or many",
    "at least one",
    "any number of",
    "lots of",
    "a list of",
    "a number of",
    "more than one",
    "0 or more",
    "1 or more",
    "0..n",
    "various",
];
/// Before the second entity: there is one of it.
const ONE: &[&str] = &["exactly one", "one", "a single", "only one", "at most one", "zero or one", "a", "an"];
const OWNED: &[&str] =
    &["belongs to", "belong to", "belonging to", "is owned by", "is part of", "are part of"];
const HAVE: &[&str] =
    &["has", "have", "having", "with", "contains", "contain", "includes", "include", "holds", "stores"];
const VERBS_ONE: &[&str] = &["has", "have", "references", "owns", "needs", "requires"];
/// What an entity "has" without its being an entity.
const COLUMNS: &[&str] = &[
    "name",
    "title",
    "email",
    "price",
    "date",
    "description",
    "status",
    "address",
    "phone",
    "password",
    "age",
    "id",
    "text",
    "body",
    "quantity",
    "amount",
    "url",
    "color",
    "size",
    "number",
    "code",
];
/// What no noun goes on with.
const STOPS: &[&str] = &[
    "with", "over", "per", "through", "via", "if", "when", "but", "or", "so", "as", "has", "have", "written",
    "placed", "made", "called", "based",
];
const PREPOSITIONS: &[&str] = &["in", "to", "for", "at", "on", "by", "from", "about", "into"];
const SKIPPED: &[&str] = &[
    "a", "an", "the", "each", "every", "one", "many", "and", "which", "that", "can", "may", "must", "should",
    "will", "is", "are", "table", "tables", "entity", "entities", "also", "where", "all", "of", "then",
    "while",
];

/// The entities of a text; `None` when it has neither a relation nor attributes.
pub(super) fn read(body: &str) -> Option<Entities> {
    let mut entities = Entities::default();
    for link in arrows::links(body) {
        let ends = (entities.entity(&whole(&link.from.label)), entities.entity(&whole(&link.to.label)));
        if let (Some(from), Some(to)) = ends {
            let label = link.label.unwrap_or_else(|| "has".to_owned()).to_lowercase();
            entities.relate(Relation { from, to, many: Many::Several, label });
        }
    }
    if entities.relations.is_empty() {
        let mut related = Entities::default();
        for sentence in sentences(body) {
            read_sentence(&sentence.text, &[], &mut related);
        }
        let ends = related.relations.iter().flat_map(|relation| [relation.from, relation.to]);
        let known: Vec<String> = ends.map(|end| related.entities[end].name.to_lowercase()).collect();
        for sentence in sentences(body) {
            read_sentence(&sentence.text, &known, &mut entities);
        }
        link_foreign_keys(&mut entities);
    }
    let has_any = !entities.relations.is_empty()
        || entities.entities.iter().any(|entity| !entity.attributes.is_empty());
    has_any.then_some(entities)
}

/// Entities alone, for a list of names.
pub(super) fn of_names(list: &str) -> Entities {
    let mut entities = Entities::default();
    for name in names(list) {
        entities.entity(&whole(words::without_first(&name, &["a", "an"])));
    }
    entities
}

/// Reads one sentence; `known` are the entities that other sentences relate.
fn read_sentence(sentence: &str, known: &[String], entities: &mut Entities) {
    let outside = tables(sentence, entities);
    if let Some((head, list)) = sentence.split_once(':')
        && !head.contains('(')
        && list.contains(',')
        && Text::new(head).words.len() <= 3
        && Text::new(list).find(MANY).is_none()
    {
        return describe(head, list, entities);
    }
    let clauses = clauses(&outside);
    let mut before: Option<(usize, Many, String)> = None;
    for clause in &clauses {
        before = relation(clause, &before, entities).or(before);
    }
    if before.is_none() {
        described(&outside, known, entities);
    }
}

/// `orders(id, total)` gives attributes; what stands outside of such brackets is returned.
fn tables(sentence: &str, entities: &mut Entities) -> String {
    let mut outside = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once('(') {
        let Some((list, tail)) = after.split_once(')') else { break };
        outside.push_str(before);
        if words::is_readable(list) {
            describe(before, list, entities);
        }
        rest = tail;
    }
    outside + rest
}

/// "User has id, name and email": a list of two or more without a number.
fn described(sentence: &str, known: &[String], entities: &mut Entities) {
    let text = Text::new(sentence);
    let Some(hit) = text.find(HAVE).filter(|hit| hit.first > 0) else { return };
    let list = text.behind(hit.after);
    let columns = names(list);
    // "a blog with users, posts and tags" lists entities.
    let are_entities = columns.iter().any(|name| known.contains(&whole(name).to_lowercase()));
    if columns.len() >= 2 && !are_entities {
        describe(text.before(hit.first), list, entities);
    }
}

fn describe(head: &str, list: &str, entities: &mut Entities) {
    let name = noun(head, true);
    if name.is_empty() {
        return;
    }
    let Some(at) = entities.entity(&name) else { return };
    let known = &mut entities.entities[at].attributes;
    for attribute in attributes(list) {
        let is_new = known.iter().all(|other| !other.name.eq_ignore_ascii_case(&attribute.name));
        if is_new && known.len() < MEMBERS_MAX {
            known.push(attribute);
        }
    }
}

/// Parts of a sentence that hold one relation each at most.
fn clauses(sentence: &str) -> Vec<&str> {
    let text = Text::new(sentence);
    let mut clauses = Vec::new();
    let mut from = 0;
    for at in 1..text.words.len() {
        let is_comma = text.gap(at).contains(',');
        let is_and = matches!(text.words[at].lower.as_str(), "and" | "while" | "which");
        if is_comma || is_and {
            clauses.push(&sentence[from..text.words[at].start]);
            from = if is_and { text.words[at].end } else { text.words[at].start };
        }
    }
    clauses.push(sentence.get(from..).unwrap_or_default());
    clauses
}

/// The relation of a clause: what it hangs on, how many, and its verb, for what follows.
fn relation(
    clause: &str,
    before: &Option<(usize, Many, String)>,
    entities: &mut Entities,
) -> Option<(usize, Many, String)> {
    let text = Text::new(clause);
    if let Some(hit) = text.find(OWNED) {
        let (mut part, whole) = (noun(text.before(hit.first), true), noun(text.behind(hit.after), false));
        if part.is_empty() {
            // "… and belongs to one customer"
            part = before.as_ref().map(|(from, ..)| entities.entities[*from].name.clone())?;
        }
        let many = if text.find_from(hit.after, MANY).is_some() { Many::Mutual } else { Many::Several };
        let (from, to) = both(entities, &whole, &part)?;
        entities.relate(Relation { from, to, many, label: "has".to_owned() });
        return None;
    }
    if let Some(hit) = text.find(&["many to many"]) {
        let (first, second) = text.split(&["and", "with", "to"]).filter(|_| hit.first > 1)?;
        let (from, to) = both(entities, &noun(first, true), &noun(second, false))?;
        entities.relate(Relation { from, to, many: Many::Mutual, label: "has".to_owned() });
        return None;
    }
    let many = text.find(MANY);
    let one = text.find_from(2, ONE).filter(|hit| {
        VERBS_ONE.contains(&text.words[hit.first - 1].lower.as_str())
            || text.matches(hit.first, &ONE[..6]) > 0
    });
    let (hit, kind) = match (many, one) {
        (Some(hit), _) => (hit, Many::Several),
        (None, Some(hit)) => (hit, Many::Single),
        (None, None) => return another(clause, before, entities),
    };
    if hit.first == 0 {
        // "… and many reviews"
        let object = noun(text.behind(hit.after), false);
        let (from, _, label) = before.clone()?;
        let to = entities.entity(&object).filter(|_| !object.is_empty())?;
        entities.relate(Relation { from, to, many: kind, label: label.clone() });
        return Some((from, kind, label));
    }
    let is_preposition = hit.first > 1 && PREPOSITIONS.contains(&text.words[hit.first - 1].lower.as_str());
    let verb_at = hit.first - 1 - usize::from(is_preposition);
    let verb = &text.words[verb_at];
    let label = if VERBS_ONE.contains(&verb.lower.as_str()) || SKIPPED.contains(&verb.lower.as_str()) {
        "has".to_owned()
    } else {
        clause[verb.start..text.words[hit.first - 1].end].to_lowercase()
    };
    let object = noun(text.behind(hit.after), false);
    let subject = noun(text.before(verb_at), true);
    if kind == Many::Single && !subject.is_empty() && COLUMNS.contains(&object.to_lowercase().as_str()) {
        describe(&subject, &object.to_lowercase(), entities);
        let from = entities.entity(&subject)?;
        return Some((from, kind, label));
    }
    if subject.is_empty() {
        // "… and many reviews", "has many orders and one address"
        let (from, _, verb) = before.clone()?;
        let to = entities.entity(&object).filter(|_| !object.is_empty())?;
        let label = if label == "has" { verb } else { label };
        entities.relate(Relation { from, to, many: kind, label: label.clone() });
        return Some((from, kind, label));
    }
    let (from, to) = both(entities, &subject, &object)?;
    entities.relate(Relation { from, to, many: kind, label: label.clone() });
    Some((from, kind, label))
}

/// "has many orders and reviews": one more of the same.
fn another(
    clause: &str,
    before: &Option<(usize, Many, String)>,
    entities: &mut Entities,
) -> Option<(usize, Many, String)> {
    let (from, many, label) = before.clone()?;
    if Text::new(clause).words.len() > 3 {
        return None;
    }
    let name = noun(clause, false);
    let to = entities.entity(&name).filter(|_| !name.is_empty())?;
    entities.relate(Relation { from, to, many, label });
    None
}

fn both(entities: &mut Entities, first: &str, second: &str) -> Option<(usize, usize)> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    Some((entities.entity(first)?, entities.entity(second)?))
}

/// `user_id` in a table, with a table User: a relation.
fn link_foreign_keys(entities: &mut Entities) {
    let mut found = Vec::new();
    for (to, entity) in entities.entities.iter().enumerate() {
        for attribute in &entity.attributes {
            let lower = attribute.name.to_lowercase();
            let Some(target) = lower.strip_suffix("_id").or_else(|| attribute.name.strip_suffix("Id")) else {
                continue;
            };
            let from = entities.entities.iter().position(|other| other.name.eq_ignore_ascii_case(target));
            if let Some(from) = from.filter(|from| *from != to) {
                found.push((from, to));
            }
        }
    }
    for (from, to) in found {
        let is_related = entities.relations.iter().any(|relation| {
            (relation.from, relation.to) == (from, to) || (relation.from, relation.to) == (to, from)
        });
        if !is_related {
            entities.relate(Relation { from, to, many: Many::Several, label: "has".to_owned() });
        }
    }
}

/// A whole name, its last word in the singular.
fn whole(name: &str) -> String {
    let (first, last) = name.rsplit_once(' ').map_or(("", name), |(first, last)| (first, last));
    words::label(&format!("{first} {}", words::singular(last)))
}

/// The noun at the end (or the start) of a phrase, in the singular: at most the two words that
/// stand together there.
fn noun(phrase: &str, at_end: bool) -> String {
    let text = Text::new(phrase);
    let is_skipped = |at: &usize| SKIPPED.contains(&text.words[*at].lower.as_str());
    let mut places = 0..text.words.len();
    let found = if at_end { places.rfind(|at| !is_skipped(at)) } else { places.find(|at| !is_skipped(at)) };
    let Some(at) = found else { return String::new() };
    let joins = |at: usize| {
        let lower = text.words[at].lower.as_str();
        !is_skipped(&at) && !STOPS.contains(&lower) && !PREPOSITIONS.contains(&lower)
    };
    let next = if at_end { at.checked_sub(1) } else { Some(at + 1).filter(|next| *next < text.words.len()) };
    let next = next.filter(|next| joins(*next) && text.gap((*next).max(at)) == " ");
    let (first, last) = next.map_or((at, at), |next| (next.min(at), next.max(at)));
    whole(&phrase[text.words[first].start..text.words[last].end])
}
