//! `diagramd watch`: the queue on a terminal, as it moves.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::server::Server;
use crate::terminal::Terminal;

fn watch(server: &Server, key: &str) -> Terminal {
    Terminal::run(&["watch"], &[("DIAGRAMD_URL", &server.url), ("DIAGRAMD_KEY", key)])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_is_watched_paused_and_resumed_from_a_terminal() {
    let server = Server::start("");
    let (user, admin) = (server.key("ann", "pro", &[]), server.key("root", "pro", &["--admin"]));
    let mut terminal = watch(&server, &admin);
    for words in ["live", "0 waiting, 0 running", "enterprise", "offline", "Latest requests"] {
        terminal.shows(words);
    }

    terminal.press("p");
    terminal.shows("Pause the queue?");
    terminal.press("y");
    terminal.shows("PAUSED");
    let (status, accepted) = server.prompt(&user, "a then b").await;
    assert_eq!(status, 202, "{accepted}");
    let screen = terminal.shows("1 waiting, 0 running");
    assert!(screen.contains("resume the queue"), "{screen}");
    let id = accepted["requestId"].as_str().unwrap();
    let screen = terminal.shows(id);
    assert!(screen.contains("ann") && screen.contains("queued 1"), "{screen}");

    terminal.press("p");
    terminal.shows("Resume the queue?");
    terminal.press("y");
    server.ended(&user, id).await;
    terminal.shows("0 waiting, 0 running");
    terminal.shows("completed");
    terminal.press("q");
    let (status, screen) = terminal.ended();
    assert_eq!((status, screen.trim()), (0, ""), "the terminal is as it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_told_and_found_again() {
    let server = Server::start("");
    let admin = server.key("root", "pro", &["--admin"]);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let mut terminal = watch(&server, &admin);
    terminal.shows("live");
    let dir = server.terminate().await;
    let screen = terminal.shows("not connected");
    assert!(screen.contains("0 waiting"), "the last figures stay: {screen}");
    let _server = Server::at(&address, dir);
    terminal.shows("live");
    terminal.press("\u{3}");
    assert_eq!(terminal.ended().0, 0);
}

#[tokio::test]
async fn without_a_terminal_it_says_so_and_json_goes_on() {
    let server = Server::start("");
    let (user, admin) = (server.key("ann", "pro", &[]), server.key("root", "pro", &["--admin"]));
    let run = |key: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_diagramd"));
        command.arg("watch").args(more).env("DIAGRAMD_URL", &server.url).env("DIAGRAMD_KEY", key);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let refused = run(&admin, &[]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(said.contains("--json"), "{said}");
    let refused = run(&user, &["--json"]).output().unwrap();
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(1), "a user is no admin: {said}");

    let mut child = run(&admin, &["--json"]).spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let first: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
    assert_eq!((&first["depth"], &first["paused"]), (&json!(0), &json!(false)));
    server.post_to(&admin, "/api/admin/queue/pause", json!({})).await;
    let paused = lines
        .map(|line| serde_json::from_str::<Value>(&line.unwrap()).unwrap())
        .find(|f| f["paused"] == true);
    assert!(paused.is_some());
    child.kill().unwrap();
    child.wait().unwrap();
}
