//! The life of checking processes: made when needed, ended when broken or after a rest, and nobody's
//! trouble but their own.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use diagramd::diagram::check::{Busy, Checker, Drawing, Purpose};
use diagramd::diagram::mermaid::{Parsers, Settings};
use diagramd::domain::{DiagramType, SourceError, ValidationStatus};

use crate::{check, is_valid, parsers, program, with};

const GOOD: &str = "flowchart TD\n a --> b";
/// Mermaid throws in the middle of it, and its process is not used again.
const CRASH: &str = "timeline\n    : lost event\n";

/// Far more edges than any of the deadlines here allow.
pub fn endless() -> String {
    let edges: Vec<String> = (0..1500).map(|at| format!("n{at} --> m{at} & k{at}")).collect();
    format!("flowchart TD\n{}", edges.join("\n"))
}

/// One process, and a deadline.
fn within(deadline: Duration) -> Parsers {
    with(Settings { threads: 1, deadline, ..Settings::default() })
}

/// The number of the only process.
fn only(parsers: &Parsers) -> u32 {
    let children = parsers.children().borrow().clone();
    assert_eq!(children.len(), 1);
    children[0]
}

fn signal(name: &str, child: u32) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.to_string()]).status();
    assert!(sent.unwrap().success());
}

/// A line of what the system says of a process; `None` when there is none.
fn status(process: &str, line: &str) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    Some(status.lines().find_map(|told| told.strip_prefix(line))?.trim().to_owned())
}

/// Waits until the system says of a process what is wanted.
fn wait_for_state(child: u32, wanted: impl Fn(Option<&str>) -> bool) {
    let begin = Instant::now();
    loop {
        let state = status(&child.to_string(), "State:");
        if wanted(state.as_deref()) {
            return;
        }
        assert!(begin.elapsed() < Duration::from_secs(10), "{child} is {state:?}");
        std::thread::yield_now();
    }
}

fn wait_for_end(child: u32) {
    wait_for_state(child, |state| state.is_none_or(|state| state.starts_with(['Z', 'X'])));
    // Its threads end one after the other, and only the last end is told to its parent.
    let begin = Instant::now();
    while status(&child.to_string(), "Threads:").is_some_and(|threads| !matches!(&*threads, "0" | "1")) {
        assert!(begin.elapsed() < Duration::from_secs(10), "{child} has threads");
        std::thread::yield_now();
    }
}

/// KiB that this process has had at the most.
fn peak_memory_kib() -> u64 {
    status("self", "VmHWM:").unwrap().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test]
async fn the_first_source_makes_a_process_and_a_rest_ends_it() {
    let parsers = with(Settings { rest: Duration::from_millis(30), threads: 1, ..Settings::default() });
    assert!(parsers.children().borrow().is_empty());
    parsers.expect(DiagramType::Mermaid);
    let mut children = parsers.children();
    let first = children.wait_for(|living| living.len() == 1).await.unwrap()[0];
    children.wait_for(Vec::is_empty).await.unwrap();
    wait_for_end(first);
    assert!(is_valid(&check(&parsers, GOOD).await), "and the next one makes another");
}

#[tokio::test]
async fn an_expected_source_finds_its_process_made() {
    let parsers = parsers();
    parsers.expect(DiagramType::D2);
    assert!(parsers.children().borrow().is_empty(), "nothing here checks D2");
    parsers.expect(DiagramType::Mermaid);
    parsers.children().wait_for(|living| living.len() == 1).await.unwrap();
    let made = only(&parsers);
    assert!(is_valid(&check(&parsers, GOOD).await));
    assert_eq!(only(&parsers), made);
}

#[tokio::test]
async fn a_process_has_no_environment_and_bounded_memory() {
    let parsers = parsers();
    assert!(is_valid(&check(&parsers, GOOD).await));
    let child = only(&parsers);
    assert_eq!(std::fs::read(format!("/proc/{child}/environ")).unwrap(), b"");
    let limits = std::fs::read_to_string(format!("/proc/{child}/limits")).unwrap();
    let limit = |name: &str| {
        let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.split_whitespace().map(str::to_owned).take(2).collect::<Vec<_>>()
    };
    let bound = (2_u64 << 30).to_string();
    assert_eq!(limit("Max address space"), [bound.clone(), bound]);
    assert_eq!(limit("Max core file size"), ["0", "0"], "its memory has sources in it");
    assert_eq!(
        std::fs::read_link(format!("/proc/{child}/fd/2")).unwrap(),
        std::path::Path::new("/dev/null"),
        "what a crash prints may be of the source"
    );
}

#[tokio::test]
async fn an_interrupted_process_is_ended_and_the_next_source_gets_its_verdict() {
    let parsers = within(Duration::from_millis(200));
    let report = check(&parsers, &endless()).await;
    assert_eq!(report.validation.status, ValidationStatus::Unchecked);
    assert!(report.validation.errors[0].message.contains("longer than 0.2 seconds"), "{report:?}");
    assert!(!report.is_temporary, "it would be no quicker later");
    assert!(parsers.children().borrow().is_empty());
    // The same thread goes on, with a process of its own making.
    parsers.expect(DiagramType::Mermaid);
    parsers.children().wait_for(|living| living.len() == 1).await.unwrap();
    assert_eq!(check(&parsers, "error").await.validation.status, ValidationStatus::Invalid);
}

/// Runs alone in a process of its own, so that its memory is what these checks took.
#[test]
fn checks_that_are_broken_off_again_and_again_cost_this_process_nothing() {
    const ALONE: &str = "DIAGRAMD_TEST_ALONE";
    const NAME: &str = "children::checks_that_are_broken_off_again_and_again_cost_this_process_nothing";
    if std::env::var_os(ALONE).is_none() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        let ran = alone.args([NAME, "--exact"]).env(ALONE, "yes").output().unwrap();
        let told = String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success() && told.contains("1 passed"), "{}: {told}", ran.status);
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let parsers = within(Duration::from_millis(100));
        let mut before = 0;
        for turn in 0..32 {
            let report = check(&parsers, &endless()).await;
            assert!(report.validation.errors[0].message.contains("took longer than"), "{report:?}");
            assert!(parsers.children().borrow().is_empty());
            if turn == 1 {
                before = peak_memory_kib();
            }
        }
        let grown = peak_memory_kib() - before;
        assert!(grown < 4 << 10, "thirty overruns cost {grown} KiB");
    });
}

#[tokio::test]
async fn a_source_that_needs_too_much_memory_costs_its_process_only() {
    let parsers = within(Duration::from_secs(120));
    // Written out, its title has a few hundred million letters.
    let large = format!("---\n{}title: *a8\n---\nflowchart TD\n a-->b", crate::hostile::anchors(9));
    for _ in 0..2 {
        let report = check(&parsers, &large).await;
        assert_eq!(report.validation.status, ValidationStatus::Unchecked);
        assert!(report.validation.errors[0].message.contains("too large, to be checked"), "{report:?}");
        assert!(parsers.children().borrow().is_empty());
        assert!(is_valid(&check(&parsers, GOOD).await));
    }
}

#[tokio::test]
async fn a_process_killed_between_two_checks_is_replaced() {
    let parsers = parsers();
    assert!(is_valid(&check(&parsers, GOOD).await));
    let killed = only(&parsers);
    signal("KILL", killed);
    wait_for_end(killed);
    assert!(is_valid(&check(&parsers, GOOD).await));
    assert_ne!(only(&parsers), killed);
}

#[tokio::test]
async fn a_process_killed_at_a_check_is_replaced_and_its_source_is_checked_by_the_next() {
    let parsers = Arc::new(within(Duration::from_secs(120)));
    assert!(is_valid(&check(&parsers, GOOD).await));
    let killed = only(&parsers);
    // It can do nothing yet, so it is killed before it answers.
    signal("STOP", killed);
    let asked = tokio::spawn({
        let parsers = Arc::clone(&parsers);
        async move { check(&parsers, GOOD).await }
    });
    tokio::task::yield_now().await;
    signal("KILL", killed);
    let report = asked.await.unwrap();
    assert!(is_valid(&report), "{report:?}");
    assert_ne!(only(&parsers), killed);
}

/// A process that gets no time to look at the clock is as good as one that never looks.
#[tokio::test]
async fn a_deadline_that_the_process_does_not_see_is_kept_from_outside() {
    let deadline = Duration::from_millis(200);
    let parsers = within(deadline);
    assert!(is_valid(&check(&parsers, GOOD).await));
    let stopped = only(&parsers);
    signal("STOP", stopped);
    wait_for_state(stopped, |state| state.is_some_and(|state| state.starts_with('T')));
    let begin = Instant::now();
    let report = check(&parsers, GOOD).await;
    assert!(begin.elapsed() >= deadline && begin.elapsed() < Duration::from_secs(10));
    assert!(report.validation.errors[0].message.contains("longer than 0.2 seconds"), "{report:?}");
    wait_for_end(stopped);
    assert!(is_valid(&check(&parsers, GOOD).await));
}

#[tokio::test]
async fn a_signal_that_is_meant_for_the_server_ends_no_check() {
    let parsers = parsers();
    assert!(is_valid(&check(&parsers, GOOD).await));
    let child = only(&parsers);
    for name in ["TERM", "INT", "HUP"] {
        signal(name, child);
        assert!(is_valid(&check(&parsers, GOOD).await), "{name}");
        assert_eq!(only(&parsers), child, "{name}");
    }
}

#[tokio::test]
async fn a_program_that_does_not_check_is_no_verdict() {
    // One that is not there, one that ends at once, one that says something else.
    for program in ["/nonexistent/diagramd", "false", "yes"] {
        let parsers = Parsers::new(Settings::default(), std::path::Path::new(program), None);
        let report = check(&parsers, GOOD).await;
        assert_eq!(report.validation.status, ValidationStatus::Unchecked, "{program}");
        assert!(report.is_temporary, "{program}: {report:?}");
        assert!(parsers.children().borrow().is_empty(), "{program}");
    }
}

#[tokio::test]
async fn whoever_lets_go_of_the_parsers_ends_what_is_at_work() {
    let parsers = within(Duration::from_secs(120));
    assert!(is_valid(&check(&parsers, GOOD).await));
    let child = only(&parsers);
    let mut children = parsers.children();
    let source = endless();
    {
        let checked = parsers.check(DiagramType::Mermaid, &source, Purpose::Generated);
        assert!(futures_util::FutureExt::now_or_never(checked).is_none());
    }
    drop(parsers);
    let begin = Instant::now();
    let _ = children.wait_for(Vec::is_empty).await;
    wait_for_end(child);
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
}

#[tokio::test]
async fn a_process_whose_parser_failed_inside_is_not_used_again() {
    let parsers = parsers();
    let report = check(&parsers, CRASH).await;
    assert!(report.validation.errors[0].message.starts_with("Mermaid fails"), "{report:?}");
    assert!(parsers.children().borrow().is_empty());
    assert!(is_valid(&check(&parsers, "timeline\n 2025 : an event").await));
}

#[tokio::test]
async fn as_many_processes_as_there_is_work_for_and_no_more() {
    let parsers = Arc::new(with(Settings { threads: 2, ..Settings::default() }));
    let checks: Vec<_> = (0..20)
        .map(|_| {
            let parsers = Arc::clone(&parsers);
            tokio::spawn(async move { check(&parsers, GOOD).await })
        })
        .collect();
    for checked in checks {
        assert!(is_valid(&checked.await.unwrap()));
    }
    assert!((1..=2).contains(&parsers.children().borrow().len()));
}

#[tokio::test]
async fn a_slow_source_delays_no_other() {
    let settings = Settings { threads: 2, deadline: Duration::from_secs(3), ..Settings::default() };
    let parsers = Arc::new(with(settings));
    // Both processes are there, so that only the slow source is slow.
    tokio::join!(check(&parsers, GOOD), check(&parsers, GOOD));
    let slow = tokio::spawn({
        let parsers = Arc::clone(&parsers);
        async move { check(&parsers, &crate::hostile::slow()).await }
    });
    tokio::task::yield_now().await;
    for _ in 0..5 {
        assert!(is_valid(&check(&parsers, GOOD).await));
    }
    assert!(!slow.is_finished(), "five verdicts came while the slow source was at work");
    assert_ne!(slow.await.unwrap().validation.status, ValidationStatus::Valid);
}

#[tokio::test]
async fn callers_are_refused_when_too_much_of_theirs_waits_and_generated_sources_are_not() {
    let parsers = Arc::new(parsers());
    let ask = |caller| {
        let parsers = Arc::clone(&parsers);
        async move { parsers.check(DiagramType::Mermaid, GOOD, Purpose::Asked(caller)).await }
    };
    let asked = futures_util::future::join_all((0..40).map(|_| ask(1)));
    let (one, generated, other) = tokio::join!(asked, check(&parsers, GOOD), ask(2));
    let refused = one.iter().filter(|answer| **answer == Err(Busy)).count();
    assert_eq!(refused, 24, "sixteen of one caller wait");
    assert!(is_valid(&generated) && is_valid(&other.unwrap()), "others are served");
    assert!(ask(1).await.is_ok(), "and room comes back");
}

#[tokio::test]
async fn a_source_whose_caller_went_away_is_not_parsed() {
    let parsers = Arc::new(within(Duration::from_secs(120)));
    assert!(is_valid(&check(&parsers, GOOD).await));
    let child = only(&parsers);
    // The only process is at work as long as this lasts.
    signal("STOP", child);
    wait_for_state(child, |state| state.is_some_and(|state| state.starts_with('T')));
    let first = tokio::spawn({
        let parsers = Arc::clone(&parsers);
        async move { check(&parsers, GOOD).await }
    });
    tokio::task::yield_now().await;
    {
        // Its parse would end the process.
        let gone = parsers.check(DiagramType::Mermaid, CRASH, Purpose::Generated);
        // Polled once, so that it is in the queue, and dropped.
        assert!(futures_util::FutureExt::now_or_never(gone).is_none());
    }
    signal("CONT", child);
    assert!(is_valid(&first.await.unwrap()));
    assert!(is_valid(&check(&parsers, GOOD).await));
    assert_eq!(only(&parsers), child, "the process is the same");
}

/// Says no to one source.
struct Fussy;

impl Drawing for Fussy {
    fn draws(&self, source: &str) -> Result<(), Vec<SourceError>> {
        assert!(!source.contains("panic"), "as asked");
        if source.contains("2026") {
            return Ok(());
        }
        Err(vec![SourceError { line: 2, column: 0, message: "No year here.".into() }])
    }
}

#[tokio::test]
async fn a_second_opinion_is_asked_of_the_kinds_it_decides_and_of_what_parses() {
    let parsers =
        Parsers::new(Settings { threads: 1, ..Settings::default() }, program(), Some(Arc::new(Fussy)));
    let drawn = check(&parsers, "gantt\n Task :2026-01-01, 1d").await;
    assert!(is_valid(&drawn), "{drawn:?}");
    let refused = check(&parsers, "gantt\n Task :2025-01-01, 1d").await;
    assert_eq!(refused.validation.errors[0].message, "No year here.");
    assert_eq!(
        (refused.kind.as_deref(), refused.validation.status),
        (Some("gantt"), ValidationStatus::Invalid)
    );
    assert!(is_valid(&check(&parsers, GOOD).await), "flowcharts are the parser's alone");
    let parses_not = check(&parsers, "gantt\n nonsense").await;
    assert_ne!(parses_not.validation.errors[0].message, "No year here.");
    let panicked = check(&parsers, "gantt\n panic :2025-01-01, 1d").await;
    assert_eq!(
        panicked.validation.status,
        ValidationStatus::Unchecked,
        "a renderer that panics is no verdict"
    );
    assert!(is_valid(&check(&parsers, "gantt\n Task :2026-01-01, 1d").await), "and breaks nothing");
}
