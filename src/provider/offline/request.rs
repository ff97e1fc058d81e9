//! What a prompt asks for: "please draw me a sequence diagram of X: …" is a kind, a topic and a
//! body. The wrapper is no part of the diagram.

use super::kinds::{Kind, NAMES, kind};
use super::sentences;
use super::verbs::is_base;
use super::words::{self, Text};

/// Words of a topic; a longer head is a sentence of its own.
const TOPIC_WORDS_MAX: usize = 8;

/// Words around the name of a kind that belong to the request.
const WRAPPER: &[&str] = &[
    "please",
    "pls",
    "kindly",
    "hi",
    "hello",
    "hey",
    "can",
    "could",
    "would",
    "will",
    "you",
    "i",
    "i'd",
    "we",
    "let's",
    "let",
    "want",
    "need",
    "like",
    "love",
    "to",
    "help",
    "draw",
    "create",
    "make",
    "generate",
    "produce",
    "build",
    "design",
    "show",
    "give",
    "write",
    "sketch",
    "visualize",
    "visualise",
    "model",
    "draft",
    "provide",
    "render",
    "prepare",
    "illustrate",
    "me",
    "us",
    "an",
    "a",
    "the",
    "my",
    "our",
    "one",
    "this",
    "as",
    "simple",
    "nice",
    "basic",
    "detailed",
    "small",
    "short",
    "complete",
    "clear",
    "big",
    "good",
    "uml",
    "mermaid",
    "graphviz",
    "plantuml",
    "d2",
    "dot",
    "quick",
    "high",
    "level",
    "some",
    "kind",
    "of",
    "with",
    "in",
    "using",
    "style",
    "type",
    "it",
];
/// Words that name a drawing of no kind.
const DRAWINGS: &[&str] = &[
    "diagram",
    "diagrams",
    "chart",
    "graph",
    "drawing",
    "picture",
    "figure",
    "schema",
    "diagramm",
    "diagrama",
    "diagramme",
];
/// Between the name and what is to be drawn.
const CONNECTORS: &[&str] = &[
    "of",
    "for",
    "showing",
    "that shows",
    "which shows",
    "that show",
    "to show",
    "to illustrate",
    "about",
    "describing",
    "that describes",
    "which describes",
    "illustrating",
    "that illustrates",
    "depicting",
    "representing",
    "that represents",
    "explaining",
    "on",
    "where",
    "in which",
    "with",
    "from",
    "how",
    "to",
    "when",
    "if",
    "titled",
    "called",
    "named",
    "von",
    "für",
    "de",
    "del",
    "du",
    "des",
    "para",
    "pour",
];
/// Connectors that are also the first word of what they connect.
const KEPT: &[&str] = &["from", "when", "if"];
/// Courtesy that stands before any request.
const COURTESY: &[&str] = &["please", "pls", "hi", "hello", "hey", "kindly"];

/// A prompt taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) kind: Option<Kind>,
    /// What the diagram is about, when the prompt says so apart from its content.
    pub(super) topic: Option<String>,
    /// What is to be drawn; never empty when the prompt held anything.
    pub(super) body: String,
}

/// Takes a clean prompt apart.
pub(super) fn parse(prompt: &str) -> Request {
    let kind = kind(prompt);
    let (first, rest) = first_line(prompt);
    let line = Text::new(first);
    let Some(end) = wrapper(&line) else {
        let first = without_courtesy(first);
        let (topic, first) = match heading(first, rest) {
            Some(topic) => (Some(topic), ""),
            None => (None, first),
        };
        return whole(prompt, kind, topic, first, rest);
    };
    let behind = line.behind(end.after);
    let is_head = behind.starts_with([':', '-', '–', '—', '.', ','])
        && !behind.starts_with("->")
        && !behind.starts_with("--");
    let is_last = end.from > 0
        && (line.matches(end.from, &["as", "in", "using"]) > 0
            || line.gap(end.from).contains([',', '.', ';']));
    let is_tail = is_last && behind.trim_matches(['.', ' ']).is_empty();
    if is_tail {
        return whole(
            prompt,
            kind,
            None,
            without_courtesy(line.before(end.from)).trim_end_matches([',', ' ']),
            rest,
        );
    }
    let before = topic(line.before(end.from));
    if is_head || behind.is_empty() {
        let behind = behind.trim_start_matches([':', '-', '–', '—', '.', ',', ' ']);
        return whole(prompt, kind, before, behind, rest);
    }
    let connected = Text::new(behind);
    let connector = connected.matches(0, CONNECTORS);
    let is_kept = connected.matches(0, KEPT) > 0;
    let subject = if is_kept { behind } else { connected.behind(connector) };
    let subject = without_tail(words::without_first(subject, &["the", "a", "an"]));
    match split_topic(subject, rest) {
        Some((topic, body)) => whole(prompt, kind, Some(topic), body, rest),
        None => whole(prompt, kind, before, subject, rest),
    }
}

fn first_line(prompt: &str) -> (&str, &str) {
    let prompt = prompt.trim();
    prompt.split_once('\n').map_or((prompt, ""), |(first, rest)| (first.trim(), rest))
}

/// Words that ask: from the first of them to behind the last.
struct Span {
    from: usize,
    after: usize,
}

/// The words that name a drawing and those around them; `None` when the line names none.
fn wrapper(line: &Text) -> Option<Span> {
    let mut from = None;
    let mut found = None;
    let mut at = 0;
    while at < line.words.len() {
        let name = NAMES
            .iter()
            .map(|(_, names)| line.matches(at, names))
            .max()
            .unwrap_or(0)
            .max(line.matches(at, DRAWINGS));
        let breaks = at > 0 && line.gap(at).contains([':', '.', '>', ';']);
        if breaks && found.is_some() {
            break;
        }
        if name > 0 {
            from.get_or_insert(at);
            at += name;
            found = Some(at);
        } else if line.matches(at, WRAPPER) > 0 {
            from.get_or_insert(at);
            at += 1;
        } else if found.is_some() {
            break;
        } else {
            from = None;
            at += 1;
        }
    }
    let from = from.unwrap_or(0);
    let mut after = found?;
    // A name far behind belongs to the content, unless it ends the request: "…, as a flowchart".
    let is_early = from == 0;
    let is_heading = from <= TOPIC_WORDS_MAX && (after == line.words.len() || line.gap(after).contains(':'));
    if !is_early && !is_heading {
        return None;
    }
    while after < line.words.len()
        && line.matches(
            after,
            &["in mermaid", "in plantuml", "in graphviz", "in d2", "using mermaid", "please", "in uml"],
        ) > 0
    {
        after += line.matches(
            after,
            &["in mermaid", "in plantuml", "in graphviz", "in d2", "using mermaid", "please", "in uml"],
        );
    }
    Some(Span { from, after })
}

/// "login process: a user enters …" is about the login process.
fn split_topic<'t>(subject: &'t str, rest: &str) -> Option<(String, &'t str)> {
    let (head, body) = match subject.split_once(':') {
        Some((head, body)) => (head, body.trim()),
        None if !rest.trim().is_empty() => (subject, ""),
        None => return None,
    };
    if body.is_empty() && rest.trim().is_empty() {
        return None;
    }
    topic(head).map(|topic| (topic, body))
}

/// "CI pipeline: check out, build, deploy" is about a CI pipeline, once it is known that this is
/// no list of names.
pub(super) fn head(body: &str) -> Option<(String, &str)> {
    let by_colon = body.split_once(": ").filter(|(_, rest)| Text::new(rest).words.len() > 3);
    let starts_with_action =
        |rest: &str| rest.split([' ', ',']).next().is_some_and(|word| is_base(&word.to_lowercase()));
    let by_with = || {
        body.split_once(" with ")
            .filter(|(_, rest)| rest.matches(", ").count() >= 2 && starts_with_action(rest))
    };
    let (head, rest) = by_colon.or_else(by_with)?;
    topic(head).filter(|_| !head.contains('\n')).map(|topic| (topic, rest))
}

/// A first line that ends in a colon, stands over a list, or is a Markdown heading, with
/// something under it.
fn heading(first: &str, rest: &str) -> Option<String> {
    let is_over_list = sentences::item(first).is_none()
        && rest.trim().lines().next().is_some_and(|line| sentences::item(line).is_some());
    let over_list = is_over_list.then_some(first.trim_end_matches([':', '：', '.']));
    let text = over_list
        .or_else(|| first.strip_suffix([':', '：']))
        .or_else(|| first.strip_prefix('#').map(|rest| rest.trim_start_matches('#')))?;
    // One of several headings is no title.
    let is_one_of_many = rest.lines().any(|line| line.trim_end().ends_with([':', '：']));
    if rest.trim().is_empty() || is_one_of_many { None } else { topic(text) }
}

fn topic(head: &str) -> Option<String> {
    let is_short = head.split_whitespace().count() <= TOPIC_WORDS_MAX;
    let draws = head.contains("->") || head.contains("=>") || head.contains('→') || head.contains(',');
    let topic = words::label(head.trim_matches(['-', '–', '#', '(', ')', ' ']));
    let is_direction = matches!(topic.as_str(), "TD" | "TB" | "BT" | "LR" | "RL");
    (is_short && !draws && !is_direction && words::is_readable(&topic)).then_some(topic)
}

fn without_courtesy(text: &str) -> &str {
    let mut text = text;
    loop {
        let shorter = words::without_first(text, COURTESY);
        if shorter.len() == text.len() {
            return without_tail(text);
        }
        text = shorter;
    }
}

/// Without "please", "thanks", "as a flowchart" and "in mermaid" at the end.
fn without_tail(text: &str) -> &str {
    let parsed = Text::new(text);
    let count = parsed.words.len();
    let last = (count.saturating_sub(6)..count).find(|at| {
        let here = parsed.matches(*at, &["as", "in", "using"]);
        if here == 0 {
            return parsed.matches(*at, &["please", "thanks", "thank you"]) == count - at && *at > 0;
        }
        let names = (*at..count).any(|at| {
            NAMES.iter().any(|(_, names)| parsed.matches(at, names) > 0)
                || parsed.matches(at, DRAWINGS) > 0
                || parsed.matches(at, &["mermaid", "plantuml", "graphviz", "d2"]) > 0
        });
        let rest = (*at..count).all(|at| {
            parsed.matches(at, WRAPPER) > 0
                || parsed.matches(at, DRAWINGS) > 0
                || parsed.matches(at, &["format", "syntax", "code", "thanks"]) > 0
                || NAMES.iter().any(|(_, names)| {
                    names.iter().any(|name| name.split(' ').any(|part| part == parsed.words[at].lower))
                })
        });
        *at > 0 && names && rest
    });
    last.map_or(text, |at| parsed.before(at).trim_end_matches([',', ' ']))
}

/// The request; a body that holds nothing falls back to topic and prompt.
fn whole(prompt: &str, kind: Option<Kind>, topic: Option<String>, first: &str, rest: &str) -> Request {
    let body = format!("{first}\n{rest}");
    let body = body.trim();
    let body = if words::is_readable(body) {
        body.to_owned()
    } else {
        topic.clone().unwrap_or_else(|| prompt.trim().to_owned())
    };
    Request { kind, topic, body }
}
