//! Who tells whom what: a clause of a conversation taken apart at its verb.

use crate::provider::offline::verbs::is_action;
use crate::provider::offline::words::{self, Text};

/// What one gives to another: "sends X to B", "sends B X".
const GIVES: &[&str] = &[
    "sends",
    "send",
    "forwards",
    "forward",
    "posts",
    "post",
    "submits",
    "submit",
    "passes",
    "pass",
    "delivers",
    "writes",
    "publishes",
    "publish",
    "transfers",
    "hands",
    "gives",
    "issues",
    "emits",
    "pushes",
    "uploads",
    "redirects",
    "streams",
    "shows",
    "presents",
    "sends back",
    "sending",
    "makes",
];
/// What one does to another directly: "calls B", "asks B for X".
const ASKS: &[&str] = &[
    "asks",
    "ask",
    "calls",
    "call",
    "requests",
    "request",
    "queries",
    "query",
    "tells",
    "tell",
    "notifies",
    "notify",
    "pings",
    "ping",
    "invokes",
    "invoke",
    "emails",
    "informs",
    "inform",
    "contacts",
    "instructs",
    "alerts",
    "polls",
    "connects to",
    "logs into",
    "logs in to",
    "talks to",
    "subscribes to",
    "prompts",
    "triggers",
    "fetches",
    "reads",
    "gets",
    "greets",
];
/// What answers.
const REPLIES: &[&str] = &[
    "replies",
    "reply",
    "returns",
    "return",
    "responds",
    "respond",
    "answers",
    "answer",
    "confirms",
    "acknowledges",
    "sends back",
    "gives back",
];
/// What a message does by itself: "the response goes back to A".
const PASSES: &[&str] = &[
    "goes back",
    "goes",
    "comes back",
    "is sent",
    "is sent back",
    "is returned",
    "is forwarded",
    "are sent",
    "are returned",
    "travels back",
];
/// Where a receiver's name ends.
pub(super) const STOPS: &[&str] = &[
    "with",
    "for",
    "about",
    "via",
    "using",
    "over",
    "on",
    "through",
    "that",
    "of",
    "when",
    "by",
    "in",
    "containing",
    "and",
];
pub(super) const ARTICLES: &[&str] = &["a", "an", "the", "its", "his", "her", "their", "some", "all", "this"];
pub(super) const PRONOUNS: &[&str] = &["it", "he", "she", "they", "this", "that"];
pub(super) const RELATIVES: &[&str] = &["which", "who", "that"];
/// Words of a name.
pub(super) const NAME_WORDS_MAX: usize = 3;
/// A clause taken apart at its verb.
pub(super) struct Clause<'t> {
    pub(super) subject: &'t str,
    pub(super) verb: &'t str,
    pub(super) object: &'t str,
    pub(super) manner: Manner,
}

/// How the verb joins what is said to who hears it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Gives,
    Asks,
    Replies,
    Passes,
}

/// "The user clicks login": who does what, where nobody is told.
pub(super) fn started(text: &str) -> Option<(String, String)> {
    let text = words::without_first(text, ARTICLES);
    let parsed = Text::new(text);
    let verb =
        (1..=2.min(parsed.words.len().saturating_sub(1))).find(|at| is_action(&parsed.words[*at].lower))?;
    Some((name(parsed.before(verb))?, words::label(parsed.behind(verb))))
}

pub(super) fn is_verb(word: &str) -> bool {
    [GIVES, ASKS, REPLIES].iter().any(|verbs| verbs.contains(&word))
}

/// Whether a clause says that one tells another something.
pub(super) fn is_message(text: &str) -> bool {
    clause(text).is_some_and(|clause| {
        subject(clause.subject).is_some() && receiver(&clause).0.and_then(name).is_some()
    })
}

pub(super) fn clause(text: &str) -> Option<Clause<'_>> {
    let parsed = Text::new(text);
    let (hit, manner) = (0..parsed.words.len().min(7)).find_map(|at| {
        let found = [
            (PASSES, Manner::Passes),
            (REPLIES, Manner::Replies),
            (GIVES, Manner::Gives),
            (ASKS, Manner::Asks),
        ]
        .into_iter()
        .map(|(verbs, manner)| (parsed.matches(at, verbs), manner))
        .max_by_key(|(count, manner)| (*count, *manner == Manner::Replies))?;
        // "the request is …": behind an article it is a noun.
        let is_noun = at > 0 && ARTICLES.contains(&parsed.words[at - 1].lower.as_str());
        (found.0 > 0 && !is_noun).then_some(((at, at + found.0), found.1))
    })?;
    let verb = &text[parsed.words[hit.0].start..parsed.words[hit.1 - 1].end];
    Some(Clause { subject: parsed.before(hit.0), verb, object: parsed.behind(hit.1), manner })
}

/// A name of at most three words; `None` for what is none.
pub(super) fn name(text: &str) -> Option<String> {
    let name = words::label(words::without_first(text.trim(), ARTICLES));
    let count = name.split_whitespace().count();
    ((1..=NAME_WORDS_MAX).contains(&count) && words::is_readable(&name)).then_some(name)
}

pub(super) fn subject(text: &str) -> Option<String> {
    let text = words::without_first(words::without_first(text, &["and", "then", "but"]), ARTICLES);
    let is_reference = RELATIVES.iter().chain(PRONOUNS).any(|word| word.eq_ignore_ascii_case(text.trim()));
    if is_reference { None } else { name(text) }
}

/// Who is told and what: "a request to the API", "the API for a token", "the API".
pub(super) fn receiver<'t>(clause: &Clause<'t>) -> (Option<&'t str>, &'t str) {
    let object = Text::new(clause.object);
    let to = object.find(&["to", "into"]);
    if clause.manner == Manner::Passes {
        let who = to.filter(|hit| hit.first == 0).map(|hit| until_stop(object.behind(hit.after)).0);
        return (who, clause.subject);
    }
    let from = object.find(&["from"]);
    match clause.manner {
        Manner::Asks => {
            if let Some(hit) = from {
                return (Some(until_stop(object.behind(hit.after)).0), object.before(hit.first));
            }
            // "asks the server to create an order"
            let stop = object.find_from(1, STOPS).map(|hit| hit.first);
            let stop = to.map(|hit| hit.first).into_iter().chain(stop).min();
            let Some(stop) = stop else { return (Some(clause.object), clause.verb) };
            let said = object.text[object.words[stop].start..].trim();
            let is_order = object.matches(stop, &["to", "that"]) > 0;
            (Some(object.before(stop)), if is_order { Text::new(said).behind(1) } else { said })
        }
        Manner::Gives | Manner::Replies | Manner::Passes => {
            if let Some(hit) = to {
                let (who, more) = until_stop(object.behind(hit.after));
                let what = object.before(hit.first);
                return (Some(who), if what.is_empty() { more } else { what });
            }
            // "answers Bob with 42"
            let with = object
                .find(&["with"])
                .filter(|hit| hit.first > 0 && clause.verb.to_lowercase().starts_with("answer"));
            if let Some(hit) = with {
                return (Some(object.before(hit.first)), object.behind(hit.after));
            }
            if clause.manner == Manner::Replies {
                return (None, words::without_first(clause.object, &["with"]));
            }
            // "sends Bob a message", "sends the server a request": a second article begins what is sent.
            let second =
                (1..object.words.len()).find(|at| ARTICLES.contains(&object.words[*at].lower.as_str()));
            match second {
                Some(at) => (Some(object.before(at)), object.text[object.words[at].start..].trim()),
                None => (None, clause.object),
            }
        }
    }
}

/// A name up to "with", "for", …, and what stands behind it.
fn until_stop(text: &str) -> (&str, &str) {
    let parsed = Text::new(text);
    match parsed.find(STOPS) {
        Some(hit) => (parsed.before(hit.first), parsed.behind(hit.after)),
        None => (text, ""),
    }
}
