//! Drafts of the offline lane pass the gate that answers of a model have to pass, whatever is
//! asked for.
//!
//! `DRAFTS` sets another number of prompts, `DRAFTS_SEED` another seed.

use diagramd::diagram::check::Purpose;
use diagramd::diagram::{checkers, extract};
use diagramd::domain::lane::LimitsSeen;
use diagramd::domain::{DiagramType, TokenUsage, ValidationStatus};
use diagramd::provider::offline::Offline;
use diagramd::provider::{Call, Listener, Provider, Stop};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const DRAFTS: u64 = 250;

/// What asks for a kind of diagram, or for none.
const KINDS: &[&str] = &[
    "",
    "flowchart: ",
    "sequence diagram of ",
    "class diagram: ",
    "state diagram: ",
    "ER diagram: ",
    "gantt chart: ",
    "mindmap of ",
    "please draw ",
    "pie chart of ",
    "user journey: ",
    "timeline of ",
    "git graph: ",
];

/// What people write, and what the grammars keep for themselves.
const PIECES: &[&str] = &[
    "the customer places an order",
    "the API returns a token to the User",
    "Customer has many Orders",
    "Order belongs to Customer",
    "Dog extends Animal",
    "Animal with name, age and run()",
    "design for 2 weeks",
    "testing 5 days after design",
    "if the password is wrong show an error otherwise open the dashboard",
    "User sends \"credentials\" to the Server",
    "Server -->> User: 200 (OK)",
    "A -> B -> C",
    "a => b",
    "A <- B",
    "idle becomes active when started",
    "from idle to active",
    "then",
    ", ",
    ". ",
    "; ",
    ": ",
    "\n- ",
    "\n  - ",
    "\n1. ",
    "\r\n",
    "\t",
    " and ",
    " or ",
    " if ",
    " otherwise ",
    " sends ",
    " to ",
    "try again",
    "go back to A",
    "end",
    "End",
    "end user",
    "default",
    "class",
    "Class",
    "style",
    "style a fill:#f00",
    "classDef x",
    "click",
    "graph",
    "subgraph",
    "subgraph end",
    "note",
    "Note over A: x",
    "state",
    "State",
    "title",
    "section",
    "section x",
    "direction LR",
    "link",
    "call()",
    "href",
    "loop",
    "alt",
    "opt",
    "par",
    "rect",
    "activate",
    "participant",
    "actor",
    "create",
    "destroy",
    "box",
    "namespace",
    "interface",
    "abstract",
    "Interface",
    "enum",
    "erDiagram",
    "gantt",
    "dateFormat",
    "axisFormat",
    "excludes",
    "todayMarker",
    "accTitle: x",
    "accDescr {",
    "root",
    "one",
    "only",
    "many",
    "zero",
    "optionally",
    "of",
    "as",
    "left of",
    "right of",
    "over",
    "fork",
    "join",
    "choice",
    "[*]",
    "done",
    "crit",
    "active",
    "milestone",
    "vert",
    "2026-01-05",
    "2026-13-45",
    "12:30",
    "3d",
    "0 days",
    "-5 weeks",
    "99999 weeks",
    "\"",
    "'",
    "`",
    "```",
    "#",
    "#quot;",
    "#35;",
    "%%",
    "%%{init: {}}%%",
    "---",
    "--",
    "-.->",
    "==>",
    "-->|x|",
    "{",
    "}",
    "{{",
    "[",
    "]",
    "[[",
    "(",
    ")",
    "((",
    ">",
    "<",
    "<br/>",
    "<b>",
    "&",
    "&amp;",
    "@",
    "@{ shape: rect }",
    ":::c",
    "::icon(x)",
    "\\",
    "\\n",
    "$",
    "$$x$$",
    "|",
    "||--o{",
    "<|--",
    "*--",
    "o--",
    "..>",
    "~",
    "~T~",
    "^",
    "=",
    "+",
    "*",
    "**b**",
    "_",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "null",
    "undefined",
    "true",
    "0",
    "1",
    "日本語",
    "如果",
    "שלום",
    "👩‍🚀",
    "ﬂ°quot¶ß",
    "é",
    "İ",
    "ı",
    "ß",
    "\u{202e}",
    "\u{0}",
    "\u{fffe}",
    "\u{2028}",
    "\u{a0}",
    "\u{200b}",
    "“quoted”",
    "→",
    "…",
    "—",
    "½",
    "a_b",
    "a-b",
    "a.b",
    "a/b",
    "C++",
    "C#",
    "F(x)",
    "x[0]",
    "10%",
    "$5",
    "user@host",
    "http://x.y/z?a=b#c",
    "fa:fa-car",
    "id PK",
    "string name",
];

struct Silent;

impl Listener for Silent {
    fn sent(&mut self) {}
    fn limits(&mut self, _: LimitsSeen) {}
    fn text(&mut self, _: &str) {}
    fn usage(&mut self, _: TokenUsage) {}
}

fn prompt(random: &mut StdRng) -> String {
    let mut prompt = KINDS[random.random_range(0..KINDS.len())].to_owned();
    for _ in 0..random.random_range(1..25) {
        prompt.push_str(PIECES[random.random_range(0..PIECES.len())]);
        if random.random_bool(0.6) {
            prompt.push(' ');
        }
        if random.random_bool(0.1) {
            prompt.push(char::from_u32(random.random_range(1..0x3000)).unwrap_or('x'));
        }
    }
    prompt
}

#[tokio::test]
async fn whatever_is_asked_for_offline_is_drawn_in_a_source_that_parses() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (drafts, seed) = (number("DRAFTS", DRAFTS), number("DRAFTS_SEED", 1));
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let checker = checkers::built_in(None);
    let mut refused = Vec::new();
    for number in 0..drafts {
        let prompt = prompt(&mut random);
        for diagram_type in [DiagramType::Mermaid, DiagramType::Graphviz] {
            let max_tokens = if number % 5 == 0 { random.random_range(150..600) } else { 2048 };
            let call = Call {
                model: String::new(),
                system: String::new(),
                user: String::new(),
                prompt: prompt.clone(),
                diagram_type,
                max_tokens,
                user_tag: String::new(),
            };
            let answer = Offline.call(&call, &mut Silent).await.unwrap();
            if answer.stop == Stop::CutOff {
                continue;
            }
            let draft = extract::extract(&answer.text, diagram_type).unwrap();
            let report = checker.check(diagram_type, &draft.source, Purpose::Generated).await.unwrap();
            if report.validation.status != ValidationStatus::Valid {
                refused.push(format!("{prompt:?}\n{}\n{:?}\n", draft.source, report.validation.errors));
            }
        }
    }
    assert!(refused.is_empty(), "{} drafts are refused:\n{}", refused.len(), refused.join("\n"));
}
