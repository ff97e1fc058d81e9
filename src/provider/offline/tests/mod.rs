//! Drafts of realistic prompts, to the letter, and what holds for every prompt.

use crate::domain::lane::LimitsSeen;
use crate::domain::trace::TraceHeaders;
use crate::domain::{DiagramType, TokenUsage};
use crate::provider::{Call, Listener, Provider, Stop, TemplateHint};

use super::Offline;
use super::draft::{Draft, draft};

mod flows;
mod grammar;
mod kinds;
mod languages;

const ROOM: usize = 100_000;

/// Asserts a prompt's title and source, the line aside in which every draft says what it is.
#[track_caller]
fn draws(diagram_type: DiagramType, prompt: &str, title: &str, source: &str) {
    let draft = draft(prompt, diagram_type, ROOM);
    assert_eq!(draft.title, title);
    assert_eq!(without_label(&draft), source.trim_matches('\n'));
}

#[track_caller]
fn without_label(draft: &Draft) -> String {
    let lines: Vec<&str> = draft.source.lines().collect();
    let is_label = |line: &&&str| line.contains("drafted offline by rules, without a model");
    assert_eq!(lines.iter().take(2).filter(is_label).count(), 1, "{}", draft.source);
    lines.iter().filter(|line| !is_label(line)).copied().collect::<Vec<_>>().join("\n")
}

#[derive(Default)]
struct Heard {
    sent: u32,
    text: String,
    longest: usize,
    usage: TokenUsage,
}

impl Listener for Heard {
    fn sent(&mut self) {
        self.sent += 1;
    }

    fn limits(&mut self, _: LimitsSeen) {}

    fn text(&mut self, piece: &str) {
        self.longest = self.longest.max(piece.len());
        self.text.push_str(piece);
    }

    fn usage(&mut self, usage: TokenUsage) {
        self.usage = usage;
    }
}

fn call(prompt: &str, max_tokens: u32) -> Call {
    Call {
        model: "rules".to_owned(),
        system: String::new(),
        user: String::new(),
        prompt: prompt.to_owned(),
        changes: false,
        template: None,
        diagram_type: DiagramType::Mermaid,
        max_tokens,
        trace: TraceHeaders::default(),
        user_tag: String::new(),
    }
}

#[tokio::test]
async fn a_change_is_drafted_anew_and_says_so_in_every_language() {
    for diagram_type in DiagramType::ALL {
        let asked = Call { changes: true, diagram_type, ..call("the shop calls the bank", 2048) };
        let plain = Call { changes: false, ..asked.clone() };
        let text = |call: Call| async move { Offline.call(&call, &mut Heard::default()).await.unwrap().text };
        let (changed, drafted) = (text(asked).await, text(plain).await);
        let differ: Vec<&str> =
            changed.lines().filter(|line| !drafted.lines().any(|one| one == *line)).collect();
        let [label] = differ.as_slice() else { panic!("{changed}") };
        assert!(label.contains("the diagram that was to be changed was not read"), "{label}");
        assert_eq!(changed.lines().count(), drafted.lines().count());
    }
}

#[tokio::test]
async fn a_template_gives_a_draft_its_kind_and_is_said_not_to_be_read() {
    let template = |kind: Option<&str>| Some(TemplateHint { kind: kind.map(str::to_owned) });
    for (kind, header) in [
        (Some("sequence"), "sequenceDiagram"),
        (Some("er"), "erDiagram"),
        (Some("gantt"), "gantt"),
        (Some("state"), "stateDiagram"),
        (Some("mindmap"), "mindmap"),
        (Some("flowchart"), "flowchart"),
        (Some("journey"), "flowchart"),
        (None, "flowchart"),
    ] {
        let asked =
            Call { template: template(kind), ..call("paint the wall, then dry it, then sell it", 2048) };
        let text = Offline.call(&asked, &mut Heard::default()).await.unwrap().text;
        assert!(text.lines().any(|line| line.starts_with(header)), "{kind:?}: {text}");
        assert!(text.contains("the template was not read"), "{text}");
        assert!(!text.contains("Gantt chart of"), "the words that ask are no part of it: {text}");
    }
    let both = Call { changes: true, template: template(None), ..call("a -> b", 2048) };
    let text = Offline.call(&both, &mut Heard::default()).await.unwrap().text;
    assert!(text.contains("the template and the diagram that was to be changed were not read"), "{text}");
}

#[tokio::test]
async fn a_draft_is_streamed_in_pieces_with_its_title_and_usage() {
    let mut heard = Heard::default();
    let answer = Offline.call(&call("日本 -> 東京", 2048), &mut heard).await.unwrap();
    assert_eq!((heard.sent, heard.text.as_str(), heard.usage), (1, answer.text.as_str(), answer.usage));
    assert!(heard.longest <= 48);
    assert!(answer.text.starts_with("```mermaid\n%% drafted offline"), "{}", answer.text);
    assert!(answer.text.ends_with("```\nTitle: 日本 to 東京\n"), "{}", answer.text);
    assert_eq!((answer.usage.input, answer.stop, answer.estimated), (4, Stop::Done, true));
    assert_eq!(Offline.kind(), "offline");
}

#[tokio::test]
async fn a_draft_fits_max_tokens_with_fewer_elements_and_is_cut_off_only_where_nothing_fits() {
    let steps: Vec<String> = (1..200).map(|step| format!("step number {step}")).collect();
    let prompt = steps.join(" -> ");
    for (max_tokens, stop) in [(2048, Stop::Done), (400, Stop::Done), (160, Stop::Done), (20, Stop::CutOff)] {
        let mut heard = Heard::default();
        let answer = Offline.call(&call(&prompt, max_tokens), &mut heard).await.unwrap();
        assert_eq!(answer.stop, stop, "{max_tokens}");
        assert!(answer.usage.output <= u64::from(max_tokens), "{max_tokens}: {}", answer.usage.output);
        assert!(answer.text.contains("shortened"), "{}", answer.text);
    }
}

#[test]
fn nothing_to_read_still_gives_a_diagram() {
    for prompt in ["", "   \n", "\u{202e}\u{0}", "...", "```", "draw a diagram"] {
        for diagram_type in DiagramType::ALL {
            let draft = draft(prompt, diagram_type, ROOM);
            assert!(draft.source.lines().count() >= 3, "{prompt:?}: {}", draft.source);
            assert!(!draft.title.is_empty());
        }
    }
}

#[test]
fn a_long_prompt_gives_a_bounded_drawing() {
    for unit in [
        "then do it ",
        "if a then b otherwise c ",
        "a -> b ",
        "- a\n",
        "a has many b. ",
        "(\"[{",
        "x 2 weeks, ",
        "日",
    ] {
        let prompt: String = unit.repeat(4000);
        for head in ["", "sequence diagram: ", "class diagram: ", "mindmap of "] {
            let draft = draft(&format!("{head}{prompt}"), DiagramType::Mermaid, ROOM);
            assert!(draft.source.lines().count() < 300 && draft.source.len() < 20_000, "{unit}");
            assert!(draft.title.chars().count() <= 81, "{}", draft.title);
        }
    }
}
