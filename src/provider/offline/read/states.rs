//! States: "from idle to running when started", "when paid the order goes from pending to
//! shipped", "A -> B: event", "an order can be new, paid or shipped".

use crate::provider::offline::sentences::sentences;
use crate::provider::offline::sketch::{Flow, Shape};
use crate::provider::offline::words::{self, Text};

use super::arrows;

/// What causes a move.
const CAUSES: &[&str] = &["when", "on", "after", "if", "once", "upon", "as soon as", "because"];
const TO: &[&str] = &["to", "into"];
const GOES: &[&str] = &[
    "goes",
    "go",
    "moves",
    "move",
    "changes",
    "change",
    "switches",
    "transitions",
    "turns",
    "becomes",
    "passes",
    "returns",
    "it",
    "the",
    "a",
    "an",
    "they",
    "its",
];
const BECOMES: &[&str] = &[
    "becomes",
    "turns into",
    "changes to",
    "goes to",
    "moves to",
    "switches to",
    "transitions to",
    "returns to",
    "goes back to",
];
const CAN_BE: &[&str] = &["can be", "may be", "is either", "is one of", "are", "states", "statuses", "is"];

/// The states of a text; `None` when it tells no move and lists no states.
pub(super) fn read(body: &str) -> Option<Flow> {
    let links = arrows::links(body);
    if !links.is_empty() {
        let mut flow = arrows::flow(&links);
        flow.nodes.iter_mut().for_each(|node| node.shape = Shape::Step);
        return Some(flow);
    }
    let mut flow = Flow::default();
    let mut current = None;
    for sentence in sentences(body) {
        moves(&sentence.text, &mut flow, &mut current);
    }
    if flow.edges.is_empty() {
        return None;
    }
    Some(flow)
}

/// States that a text lists: joined one after the other, as nothing tells more.
pub(super) fn of_list(body: &str) -> Flow {
    let mut flow = Flow::default();
    let mut before = None;
    let text = Text::new(body);
    let list = text.find(CAN_BE).map_or(body, |hit| text.behind(hit.after));
    let list = list
        .trim_start_matches([':', ' '])
        .replace(" and ", ", ")
        .replace(" or ", ", ")
        .replace(" then ", ", ");
    for part in list.split([',', ';', '\n', '.', '、', '，', '。']) {
        let part = crate::provider::offline::sentences::item(part).map_or(part, |item| item.text);
        let name = state(part);
        if name.is_empty() {
            continue;
        }
        let node = flow.node(&name, Shape::Step);
        if let (Some(from), Some(to)) = (before, node)
            && from != to
        {
            flow.edge(from, to, None);
        }
        before = node.or(before);
    }
    flow
}

/// "from A to B when C", as often as it stands there; a "when C" at the start is for the first.
fn moves(sentence: &str, flow: &mut Flow, current: &mut Option<usize>) {
    let text = Text::new(sentence);
    let froms: Vec<usize> = (0..text.words.len()).filter(|at| text.matches(*at, &["from"]) > 0).collect();
    let mut lead = lead_cause(&text, froms.first().copied());
    if froms.is_empty() {
        return becomes(&text, lead, flow, current);
    }
    for (index, from) in froms.iter().enumerate() {
        let end = froms.get(index + 1).map_or(sentence.len(), |next| text.words[*next].start);
        let part = Text::new(&sentence[text.words[*from].end..end]);
        let Some(to) = part.find(TO) else { continue };
        let target = part.behind(to.after);
        let targets = Text::new(target);
        // "from A to B to C" goes on.
        let chain = targets.find(&["to", "then to", "and then to", "and then"]);
        let cause = targets.find(CAUSES);
        let name_end = [chain, cause].into_iter().flatten().map(|hit| hit.first).min();
        let name = name_end.map_or(target, |at| targets.before(at));
        let name = name.split([',', ';']).next().unwrap_or(name);
        let cause = cause.map(|hit| targets.behind(hit.after));
        let cause = cause.map(|cause| cause.split([',', ';']).next().unwrap_or(cause));
        let label = cause.map(event).or_else(|| lead.take()).filter(|label| !label.is_empty());
        let nodes = (node(part.before(to.first), flow), node(name, flow));
        if let (Some(from), Some(to)) = nodes {
            flow.edge(from, to, label);
            *current = Some(to);
            if let Some(hit) = chain.filter(|hit| name_end == Some(hit.first)) {
                further(targets.behind(hit.after), flow, current);
            }
        }
    }
}

/// "to C to D", behind "from A to B".
fn further(text: &str, flow: &mut Flow, current: &mut Option<usize>) {
    let parsed = Text::new(text);
    let (list, cause) = parsed.split(CAUSES).unwrap_or((text, ""));
    for name in list.split(" to ") {
        let name = name.trim_start_matches("then ").split([',', ';']).next().unwrap_or(name);
        if let (Some(from), Some(to)) = (*current, node(name, flow)) {
            let label = Some(event(cause)).filter(|label| !label.is_empty());
            flow.edge(from, to, label);
            *current = Some(to);
        }
    }
}

/// "When paid it becomes shipped": from wherever one is.
fn becomes(text: &Text, lead: Option<String>, flow: &mut Flow, current: &mut Option<usize>) {
    let Some(hit) = text.find(BECOMES) else { return };
    let target = Text::new(text.behind(hit.after));
    let (name, cause) = target.split(CAUSES).unwrap_or((target.text, ""));
    let subject = text.before(hit.first);
    let first = Text::new(subject);
    // "A pending order becomes shipped": the adjective is the state before.
    let adjective = first
        .words
        .iter()
        .rev()
        .nth(1)
        .filter(|word| !GOES.contains(&word.lower.as_str()) && !CAUSES.contains(&word.lower.as_str()));
    let from = match current.or_else(|| adjective.and_then(|word| node(&subject[word.start..word.end], flow)))
    {
        Some(from) => from,
        None => match node("New", flow) {
            Some(from) => from,
            None => return,
        },
    };
    let name = name.split([',', ';']).next().unwrap_or(name);
    if let Some(to) = node(name, flow) {
        let label = Some(event(cause)).filter(|label| !label.is_empty()).or(lead);
        if from != to {
            flow.edge(from, to, label);
        }
        *current = Some(to);
    }
}

/// "when paid the order goes …": paid.
fn lead_cause(text: &Text, from: Option<usize>) -> Option<String> {
    let count = text.matches(0, CAUSES);
    let end = from.unwrap_or(text.words.len());
    if count == 0 || count >= end {
        return None;
    }
    let comma = (count..end).find(|at| *at > count && text.gap(*at).contains(','));
    let subject = (count + 1..end).find(|at| GOES.contains(&text.words[*at].lower.as_str()));
    let stop = comma.or(subject).unwrap_or(end);
    let event = event(
        &text.text
            [text.words[count - 1].end..text.words.get(stop).map_or(text.text.len(), |word| word.start)],
    );
    (!event.is_empty()).then_some(event)
}

fn event(text: &str) -> String {
    let text = text.trim().trim_end_matches(" and");
    words::label(words::without_first(
        words::without_first(text, &["it", "they", "the"]),
        &["is", "are", "gets"],
    ))
}

fn state(text: &str) -> String {
    let text = text.trim().trim_end_matches([',', ' ']);
    let text = text.strip_suffix(" and").unwrap_or(text);
    let text = text.strip_suffix(" state").or_else(|| text.strip_suffix(" status")).unwrap_or(text);
    words::label(words::without_first(text, &["the", "a", "an", "state", "either"]))
}

fn node(text: &str, flow: &mut Flow) -> Option<usize> {
    let name = state(text);
    if name.is_empty() || name.split_whitespace().count() > 6 { None } else { flow.node(&name, Shape::Step) }
}
