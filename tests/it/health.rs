//! `diagramd health`: ready or not, by exit status, in words and in JSON.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::thread;

use serde_json::{Value, json};

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

/// Exit status, standard output and standard error.
fn health(url: &str, more: &[&str], environment: &[(&str, &str)]) -> (i32, String, String) {
    let ran = Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .args(["health", "--server", url])
        .args(more)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
}

fn report(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap()
}

/// A server of the test's own that gives one connection this answer and then holds it open.
fn answering(answer: &'static str) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        assert!(stream.read(&mut request).unwrap() > 0);
        stream.write_all(answer.as_bytes()).unwrap();
        while stream.read(&mut request).is_ok_and(|count| count > 0) {}
    });
    (url, serving)
}

#[tokio::test]
async fn a_server_that_serves_is_ready() {
    let server = Server::start("");
    let (status, out, err) = health(&server.url, &[], &[]);
    assert_eq!((status, out, err.as_str()), (0, format!("{} is ready\n", server.url), ""));
    let (status, out, err) = health(&server.url, &["--json"], &[]);
    assert_eq!((status, err.as_str()), (0, ""));
    assert_eq!(report(&out), json!({ "server": server.url, "status": "ready", "detail": null }));
    server.terminate().await;
}

#[tokio::test]
async fn it_needs_no_certificates_and_no_proxy_for_a_server_of_the_same_machine() {
    let server = Server::start("");
    let bare = [("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")];
    let proxied = [("HTTP_PROXY", "http://127.0.0.1:1"), ("http_proxy", "http://127.0.0.1:1")];
    for environment in [bare, proxied] {
        let (status, _, err) = health(&server.url, &[], &environment);
        assert_eq!((status, err.as_str()), (0, ""), "{environment:?}");
    }
    server.terminate().await;
}

#[tokio::test]
async fn a_server_that_stops_is_not_ready_and_says_why() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let mut server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    assert_eq!(server.prompt(&key, "runs").await.0, 202);
    upstream.ledger().wait_for_calls(1).await;
    server.ask_to_stop();
    // Taken up by the server when it answers that it is not ready.
    while server.get("", "/readyz").await.0 == 200 {}
    let (status, out, err) = health(&server.url, &["--json"], &[]);
    gate.open();
    assert_eq!((status, report(&out)["status"].as_str()), (1, Some("not_ready")), "{out}");
    assert!(report(&out)["detail"].as_str().unwrap().contains("the server is stopping"), "{out}");
    assert!(err.starts_with("error: Not ready: the server is stopping."), "{err}");
    server.stopped().await;
}

#[test]
fn nobody_and_somebody_else_and_one_who_never_answers_are_told_apart() {
    let nobody = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    };
    let (page, page_served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
    let (other, other_served) = answering("HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{\"status\":\"up\"}");
    let (silent, silent_served) = answering("");
    for (url, status, words) in [
        (nobody, "unreachable", "no server answers"),
        (page, "foreign", "is it a diagramd server?"),
        (other, "foreign", "is it a diagramd server?"),
        (silent, "unreachable", "no answer within 5 s"),
    ] {
        let (exit, out, err) = health(&url, &["--json"], &[]);
        assert_eq!((exit, report(&out)["status"].as_str()), (1, Some(status)), "{err}");
        assert!(err.starts_with("error: ") && err.contains(words), "{err}");
    }
    for served in [page_served, other_served, silent_served] {
        served.join().unwrap();
    }
}
