//! The stop: everybody is told, nobody holds it up.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::flow::config;
use crate::server::Server;
use crate::socket::Socket;
use crate::upstream::{Behaviour, Gate, Upstream};

/// Far below the grace of 20 seconds, far above what a stop takes.
const SOON: Duration = Duration::from_secs(8);

#[tokio::test]
async fn sockets_and_streams_hear_of_the_stop_and_of_what_ended_before_it() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let mut server = Server::start(&config(&upstream, "max_concurrent = 1"));
    let key = server.key("ann", "pro", &[]);
    let submit =
        async |prompt: &str| server.prompt(&key, prompt).await.1["requestId"].as_str().unwrap().to_owned();
    let (runs, waits) = (submit("runs").await, submit("waits").await);
    upstream.ledger().wait_for_calls(1).await;
    let mut sockets = Vec::new();
    for id in [&runs, &waits] {
        let mut socket = Socket::open(&server).await;
        socket.send(json!({ "type": "subscribe", "requestId": id })).await;
        assert_eq!(socket.next().await["type"], "subscribed");
        sockets.push(socket);
    }
    let events = format!("{}/api/diagram/events/{waits}", server.url);
    let stream = server.client.get(events).send().await.unwrap();
    let submit = server.client.post(format!("{}/api/diagram/generate", server.url));
    let submit = submit.header("x-api-key", &key).header("prefer", "wait=60");
    let patient = tokio::spawn(submit.json(&json!({ "prompt": "patient" })).send());
    while server.get(&key, "/api/diagram/usage").await.1["concurrent"]["queued"] != 2 {}
    server.ask_to_stop();
    // Taken up by the server when it answers that it is not ready.
    while server.get("", "/readyz").await.0 == 200 {}
    gate.open();
    let begun = Instant::now();
    sockets[0].until("completed").await;
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.0, 1001);
    }
    let text = stream.text().await.unwrap();
    assert!(text.starts_with("retry: 2000\n") && text.contains("event: subscribed"), "{text}");
    let patient = patient.await.unwrap().unwrap();
    assert_eq!(patient.status().as_u16(), 202, "it waits on disk, and its client is told at once");
    server.stopped().await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn no_open_connection_holds_the_stop() {
    let upstream = Upstream::anthropic().start().await;
    let text = format!("```mermaid\nflowchart TD\n{}```\n", "  A --> B\n".repeat(20_000));
    upstream.push(Behaviour::answer(text));
    let mut server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let id = server.prompt(&key, "a big one").await.1["requestId"].as_str().unwrap().to_owned();
    server.ended(&key, &id).await;
    let address = server.url.trim_start_matches("http://");
    let unused = TcpStream::connect(address).await.unwrap();
    let mut half = TcpStream::connect(address).await.unwrap();
    half.write_all(b"GET /healthz HTTP/1.1\r\nHost:").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(idle.read(&mut [0; 64]).await.unwrap() > 0);
    let mut mute = Socket::open(&server).await;
    mute.send(json!({ "type": "subscribe", "requestId": id })).await;
    mute.until("completed").await;
    let begun = Instant::now();
    server.ask_to_stop();
    server.stopped().await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
    drop((unused, half, idle, mute));
}

#[tokio::test]
async fn what_is_still_open_at_the_end_of_the_grace_is_cut() {
    let mut server = Server::start("[server]\nshutdown_grace = \"1s\"\n");
    let key = server.key("ann", "pro", &[]);
    let address = server.url.trim_start_matches("http://").to_owned();
    // A body that never ends keeps its call running.
    let mut endless = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "POST /api/diagram/generate HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    );
    endless.write_all(head.as_bytes()).await.unwrap();
    assert_eq!(server.get("", "/healthz").await.0, 200);
    let begun = Instant::now();
    server.ask_to_stop();
    server.stopped().await;
    assert!(begun.elapsed() < SOON, "{:?}", begun.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_fails_claims_nothing() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "enterprise", &[]);
    for n in 0..3 {
        assert_eq!(server.prompt(&key, &format!("number {n}")).await.0, 202);
    }
    upstream.ledger().wait_for_calls(3).await;
    let dir = server.kill();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let failed = Server::fails_to_start(&dir, &address);
    assert!(failed.contains("another program listens there"), "{failed}");
    assert_eq!(upstream.ledger().len(), 3, "no call was made by a server that could not serve");
    let database = rusqlite::Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    let claims: i64 = database.query_row("SELECT count(*) FROM attempt", [], |row| row.get(0)).unwrap();
    assert_eq!(claims, 3);
}

#[tokio::test]
async fn a_database_belongs_to_one_server_whatever_the_directory() {
    let shared = tempfile::TempDir::new().unwrap();
    let config = format!("[storage]\nurl = \"sqlite:{}/shared.db\"\n", shared.path().display());
    let _first = Server::start(&config);
    let other = tempfile::TempDir::new().unwrap();
    std::fs::write(other.path().join("config.toml"), &config).unwrap();
    let failed = Server::fails_to_start(&other, "127.0.0.1:0");
    assert!(failed.contains("another diagramd"), "{failed}");
}

#[test]
fn a_file_that_is_no_socket_stays() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), "").unwrap();
    let file = dir.path().join("notes.txt");
    std::fs::write(&file, "mine").unwrap();
    let failed = Server::fails_to_start(&dir, &format!("unix:{}", file.display()));
    assert!(failed.contains("notes.txt"), "{failed}");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
}
