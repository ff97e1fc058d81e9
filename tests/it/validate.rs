//! Verdicts through the real binary: the API, the command line, and generated diagrams.

use serde_json::{Value, json};

use crate::flow::config;
use crate::server::{Server, wait_for_end};
use crate::upstream::{Behaviour, Upstream};
use crate::verb;

const PATH: &str = "/api/diagram/validate";
const GOOD: &str = "flowchart TD\n  a --> b\n";
const BAD: &str = "%% orders\nflowchart TD\n  a[call f(x)] --> b\n";
/// What no rule mends.
const BROKEN: &str = "%% orders\nsequenceDiagram\n  alt\n  ann ->>\n";
/// A model that is asked once.
const ONCE: &str = "[generation]\nrepair_attempts = 0\n";

#[tokio::test]
async fn the_api_tells_valid_sources_from_others_with_the_place_and_what_to_do() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    let good = server.post_to(&key, PATH, json!({"source": GOOD})).await;
    let expected = json!({"valid": true, "diagramType": "mermaid", "kind": "flowchart", "errors": []});
    assert_eq!(good, (200, expected));

    let (status, bad) = server.post_to(&key, PATH, json!({"source": BAD, "diagramType": "mermaid"})).await;
    assert_eq!((status, &bad["valid"], &bad["kind"]), (200, &json!(false), &json!("flowchart")));
    let error = &bad["errors"][0];
    assert_eq!((&error["line"], &error["column"]), (&json!(3), &json!(11)), "{bad}");
    assert!(error["message"].as_str().unwrap().contains("in double quotes"), "{bad}");

    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!(usage["hour"]["used"], 0, "a verdict costs no unit");
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_a_problem() {
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    let (status, problem) = server.post_to("", PATH, json!({"source": GOOD})).await;
    assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")));
    for (body, pointer) in [
        (json!({}), "/source"),
        (json!({"source": 5}), "/source"),
        (json!({"source": GOOD, "kind": "flowchart"}), "/kind"),
        (json!({"source": GOOD, "diagramType": "visio"}), "/diagramType"),
        (json!({"source": "a -> b", "diagramType": "plantuml"}), "/diagramType"),
    ] {
        let (status, problem) = server.post_to(&key, PATH, body).await;
        assert_eq!((status, &problem["errors"][0]["pointer"]), (422, &json!(pointer)), "{problem}");
    }
    let label = format!("flowchart TD\n a[{}]", "x".repeat(1 << 20));
    let (status, problem) = server.post_to(&key, PATH, json!({"source": label})).await;
    assert_eq!((status, &problem["code"]), (413, &json!("body_too_large")));
    let (status, large) = server.post_to(&key, PATH, json!({"source": "a\n".repeat(60_000)})).await;
    assert_eq!((status, &large["valid"]), (200, &json!(false)));
    let (status, _) = server.get(&key, PATH).await;
    assert_eq!(status, 405);
}

#[tokio::test]
async fn hostile_sources_of_one_caller_delay_nobody_else_for_long() {
    let server = Server::start("");
    let (mallory, ann) = (server.key("mallory", "free", &[]), server.key("ann", "free", &[]));
    let hostile = slow();
    let attack = futures_util::future::join_all(
        (0..4).map(|_| server.post_to(&mallory, PATH, json!({"source": hostile}))),
    );
    let begin = std::time::Instant::now();
    let asked = async {
        let answer = server.post_to(&ann, PATH, json!({"source": GOOD})).await;
        (answer, begin.elapsed())
    };
    let (attacked, ((status, verdict), took)) = tokio::join!(attack, asked);
    assert_eq!((status, &verdict["valid"]), (200, &json!(true)));
    // Two contexts start; one works for ann while the other is at mallory's.
    assert!(took < std::time::Duration::from_secs(7), "{took:?}");
    for (status, answer) in attacked {
        let refused = status == 503 || (status, &answer["code"]) == (422, &json!("not_checkable"));
        assert!(refused || answer["valid"] == false, "{status} {answer}");
    }
}

/// Takes its parser longer than it may.
fn slow() -> String {
    let side = (0..60).map(|at| format!("n{at}")).collect::<Vec<_>>().join(" & ");
    format!("flowchart TD\n{}", vec![format!("{side} --> {side}"); 40].join("\n"))
}

/// A server that is at a slow check, and the process that it lets do it.
async fn server_at_work() -> (Server, u32, tokio::task::JoinHandle<Result<reqwest::Response, reqwest::Error>>)
{
    let server = Server::start("");
    let key = server.key("ann", "free", &[]);
    assert_eq!(server.post_to(&key, PATH, json!({"source": GOOD})).await.0, 200);
    let children = server.children();
    assert_eq!(children.len(), 1);
    let asking = server.client.post(format!("{}{PATH}", server.url)).header("x-api-key", key);
    let asked = tokio::spawn(asking.json(&json!({"source": slow()})).send());
    // It is at work when it uses the processor.
    let begin = std::time::Instant::now();
    let before = ticks(children[0]);
    while ticks(children[0]) < before + 10 {
        assert!(begin.elapsed() < std::time::Duration::from_secs(10));
        tokio::task::yield_now().await;
    }
    (server, children[0], asked)
}

/// Hundredths of seconds of the processor that a process has used.
fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    stat.rsplit_once(')').unwrap().1.split_whitespace().nth(11).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_server_that_is_killed_leaves_no_process_behind() {
    let (server, child, asked) = server_at_work().await;
    let begin = std::time::Instant::now();
    server.kill();
    wait_for_end(child);
    assert!(begin.elapsed() < std::time::Duration::from_secs(2), "at once, not at its deadline");
    assert!(asked.await.unwrap().is_err());
}

#[tokio::test]
async fn a_server_that_stops_ends_its_processes() {
    let (mut server, child, asked) = server_at_work().await;
    server.ask_to_stop();
    server.stopped().await;
    wait_for_end(child);
    // It had its answer within its deadline, or the connection was closed.
    assert!(asked.await.unwrap().is_ok_and(|answer| answer.status() == 422));
}

#[tokio::test]
async fn a_process_that_is_killed_costs_its_source_a_verdict_and_the_server_nothing() {
    let (server, child, asked) = server_at_work().await;
    let killed = std::process::Command::new("kill").args(["-KILL", &child.to_string()]).status();
    assert!(killed.unwrap().success());
    let answer = asked.await.unwrap().unwrap();
    let (status, problem) = (answer.status(), answer.json::<Value>().await.unwrap());
    assert_eq!((status.as_u16(), &problem["code"]), (503, &json!("check_unavailable")), "{problem}");
    let key = server.key("ben", "free", &[]);
    assert_eq!(server.post_to(&key, PATH, json!({"source": GOOD})).await.0, 200);
    assert!(server.panics().is_empty());
}

/// One generated diagram, and its status object.
async fn generated(answer: Behaviour, diagram_type: &str) -> (Server, String, Value, Upstream) {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(answer);
    let server = Server::start(&config(&upstream, ONCE));
    let key = server.key("ann", "free", &[]);
    let body = json!({"prompt": "draw it", "diagramType": diagram_type, "maxTokens": 100});
    let (status, accepted) = server.post(&key, body).await;
    assert_eq!(status, 202, "{accepted}");
    let id = accepted["requestId"].as_str().unwrap().to_owned();
    let ended = server.ended(&key, &id).await;
    (server, key, ended, upstream)
}

fn fenced(source: &str) -> Behaviour {
    Behaviour::answer(format!("```mermaid\n{source}```\nTitle: Orders"))
}

#[tokio::test]
async fn a_generated_diagram_that_parses_is_valid() {
    let (server, key, ended, _upstream) = generated(fenced(GOOD), "mermaid").await;
    assert_eq!((&ended["status"], &ended["result"]), (&json!("completed"), &json!(GOOD.trim_end())));
    assert_eq!(ended["validation"], json!({"status": "valid", "errors": []}));
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!((&usage["hour"]["used"], &usage["day"]["used"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn one_that_does_not_parse_is_returned_with_its_errors_and_its_unit_goes_back() {
    let (server, key, ended, _upstream) = generated(fenced(BROKEN), "mermaid").await;
    assert_eq!((&ended["status"], &ended["result"]), (&json!("completed"), &json!(BROKEN.trim_end())));
    let validation = &ended["validation"];
    assert_eq!((&validation["status"], &validation["errors"][0]["line"]), (&json!("invalid"), &json!(4)));
    let (_, usage) = server.get(&key, "/api/diagram/usage").await;
    assert_eq!((&usage["hour"]["used"], &usage["day"]["used"]), (&json!(0), &json!(0)));
    assert!(usage["tokens"]["today"]["output"].as_u64().unwrap() > 0, "the tokens were used: {usage}");
    let admin = server.key("root", "free", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats").await;
    assert_eq!(
        (&stats["totals"]["completed"], &stats["totals"]["failed"]),
        (&json!(1), &json!(0)),
        "{stats}"
    );
}

#[tokio::test]
async fn one_in_a_language_that_nothing_here_checks_is_unchecked() {
    let answer = Behaviour::answer("```d2\na -> b: \"x\n```\nTitle: x");
    let (_server, _, ended, _upstream) = generated(answer, "d2").await;
    assert_eq!(ended["validation"], json!({"status": "unchecked", "errors": []}));
}

#[tokio::test]
async fn one_that_was_cut_off_is_never_valid() {
    let (_server, _, ended, _upstream) = generated(fenced(GOOD).stop_reason("max_tokens"), "mermaid").await;
    assert_eq!(ended["validation"]["status"], "invalid");
}

#[tokio::test]
async fn watchers_hear_of_the_check_before_the_end() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(fenced(BROKEN));
    let server = Server::start(&config(&upstream, ONCE));
    let key = server.key("ann", "free", &[]);
    let (_, accepted) = server.prompt(&key, "draw it").await;
    let events = format!("{}/api/diagram/events/{}", server.url, accepted["requestId"].as_str().unwrap());
    let text = server.client.get(events).send().await.unwrap().text().await.unwrap();
    let completed = text.find("event: completed").unwrap();
    // A subscriber who comes after the check hears the end alone.
    if let Some(validating) = text.find("event: validating") {
        assert!(validating < completed, "{text}");
    }
    assert!(text[completed..].contains("\"invalid\""), "{text}");
}

/// Runs `validate` with this on standard input.
fn validate(arguments: &[&str], input: &str) -> (i32, String, String) {
    let here = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (status, out, err) = verb::run(here, &[&["validate"], arguments].concat(), input);
    (status, String::from_utf8(out).unwrap(), err)
}

#[test]
fn the_command_line_tells_the_verdict_and_ends_by_it() {
    let (status, out, err) = validate(&["-"], GOOD);
    assert_eq!((status, out.as_str(), err.as_str()), (0, "-: valid (flowchart)\n", ""));
    let (status, out, err) = validate(&["-"], BAD);
    assert_eq!(status, 1);
    assert!(out.starts_with("-:3:11: \"(\" cannot stand here"), "{out}");
    assert_eq!(err, "error: - is not valid\n");
    let (status, out, _) = validate(&["-", "--json", "--type", "mermaid"], BAD);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &verdict["valid"], &verdict["errors"][0]["line"]), (1, &json!(false), &json!(3)));
    let (status, out, _) = validate(&["-", "--json"], GOOD);
    let verdict: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((status, &verdict["kind"]), (0, &json!("flowchart")));
}

#[test]
fn the_command_line_reads_files_and_says_what_it_cannot_do() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (status, out, _) = validate(&[&file("a.mmd", GOOD.as_bytes())], "");
    assert_eq!((status, out.ends_with("a.mmd: valid (flowchart)\n")), (0, true), "{out}");
    for (path, reason) in [
        (dir.path().join("none.mmd").to_string_lossy().into_owned(), "none.mmd cannot be read"),
        (file("b.mmd", b"\xff\xfe"), "is not UTF-8"),
        (file("c.puml", b"@startuml\n@enduml\n"), "nothing here can check plantuml; a Kroki server can"),
    ] {
        let (status, out, err) = validate(&[&path], "");
        assert_eq!((status, out.as_str()), (1, ""), "{err}");
        assert!(err.contains(reason), "{err}");
    }
    assert_eq!(validate(&["-", "--type", "visio"], "").0, 2);
}
