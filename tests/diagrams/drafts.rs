//! Drafts of the offline lane pass the gate that answers of a model have to pass, whatever is
//! asked for.
//!
//! `DRAFTS` sets another number of prompts, `DRAFTS_SEED` another seed.

use diagramd::diagram::check::Purpose;
use diagramd::diagram::{checkers, extract};
use diagramd::domain::lane::LimitsSeen;
use diagramd::domain::trace::TraceHeaders;
use diagramd::domain::{DiagramType, TokenUsage, ValidationStatus};
use diagramd::provider::offline::Offline;
use diagramd::provider::{Call, Listener, Provider, Stop};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::wording::{KEPT, KINDS, PIECES};

const DRAFTS: u64 = 250;

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
async fn no_name_is_taken_for_a_word_of_the_language() {
    let checker = checkers::built_in(crate::program(), None);
    let mut refused = Vec::new();
    for chunk in KEPT.chunks(6) {
        let names: Vec<String> = chunk.iter().map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        let each = |form: &str| names.iter().map(|name| form.replace('W', name)).collect::<String>();
        for prompt in [
            format!("ER diagram: {}", each("W has many Hats. W has W, name and id. ")),
            format!("class diagram: {}", each("W extends Hat. W with W, name and run(). Cap has W. ")),
            format!("sequence diagram: {}", each("W sends W to Hat. Hat returns a cap to W. ")),
            format!("state diagram: {}", each("from W to Hat when W. Hat becomes W. ")),
            format!("flowchart: {}", each("W -> Hat -> W. ")),
            format!("gantt chart: {}", each("W for 2 weeks, Hat 3 days after W. ")),
            format!("mindmap of {}", each("W\n- W\n  - Hat\n")),
        ] {
            let source = drawn(&prompt, DiagramType::Mermaid, 4096).await.unwrap();
            let report = checker.check(DiagramType::Mermaid, &source, Purpose::Generated).await.unwrap();
            if report.validation.status != ValidationStatus::Valid {
                refused.push(format!("{prompt:?}\n{source}\n{:?}\n", report.validation.errors));
            }
        }
    }
    assert!(refused.is_empty(), "{} drafts are refused:\n{}", refused.len(), refused.join("\n"));
}

/// The source of a draft; `None` when `max_tokens` has no room for one.
async fn drawn(prompt: &str, diagram_type: DiagramType, max_tokens: u32) -> Option<String> {
    let call = Call {
        model: String::new(),
        system: String::new(),
        user: String::new(),
        prompt: prompt.to_owned(),
        changes: false,
        template: None,
        diagram_type,
        max_tokens,
        trace: TraceHeaders::default(),
        user_tag: String::new(),
    };
    let answer = Offline.call(&call, &mut Silent).await.unwrap();
    (answer.stop == Stop::Done).then(|| extract::extract(&answer.text, diagram_type).unwrap().source)
}

#[tokio::test]
async fn whatever_is_asked_for_offline_is_drawn_in_a_source_that_parses() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (drafts, seed) = (number("DRAFTS", DRAFTS), number("DRAFTS_SEED", 1));
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let checker = checkers::built_in(crate::program(), None);
    let mut refused = Vec::new();
    for number in 0..drafts {
        let prompt = prompt(&mut random);
        for diagram_type in [DiagramType::Mermaid, DiagramType::Graphviz] {
            let max_tokens = if number % 5 == 0 { random.random_range(150..600) } else { 2048 };
            let Some(source) = drawn(&prompt, diagram_type, max_tokens).await else { continue };
            let report = checker.check(diagram_type, &source, Purpose::Generated).await.unwrap();
            if report.validation.status != ValidationStatus::Valid {
                refused.push(format!("{prompt:?}\n{source}\n{:?}\n", report.validation.errors));
            }
        }
    }
    assert!(refused.is_empty(), "{} drafts are refused:\n{}", refused.len(), refused.join("\n"));
}
