//! `diagramd generate`, in its own process and by a server: interrupted, and cut off.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Outcome, Upstream};

const BINARY: &str = env!("CARGO_BIN_EXE_diagramd");

/// A `generate` under way.
struct Generating {
    child: Child,
    errors: BufReader<ChildStderr>,
}

impl Generating {
    fn start(dir: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args(["generate", "draw it", "--data-dir", "data"])
            .args(arguments)
            .current_dir(dir)
            .env_remove("ANTHROPIC_API_KEY")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let errors = BufReader::new(child.stderr.take().unwrap());
        Self { child, errors }
    }

    /// Reads standard error up to the line with `part`.
    fn says(&mut self, part: &str) {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            assert_ne!(self.errors.read_line(&mut line).unwrap(), 0, "it ended without saying {part:?}");
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }

    /// Exit status, standard output, and the rest of standard error.
    fn ended(mut self) -> (i32, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.errors.read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code().unwrap(), out, err)
    }
}

/// The states of all requests, and the units charged in all hours.
fn stored(dir: &TempDir) -> (Vec<i64>, i64) {
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    let mut statement = database.prepare("SELECT state FROM job ORDER BY seq").unwrap();
    let states = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let units = "SELECT coalesce(sum(used), 0) FROM request_window WHERE kind = 0";
    (states, database.query_row(units, [], |row| row.get(0)).unwrap())
}

fn place(config: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), config).unwrap();
    dir
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_call_is_closed_and_its_request_cancelled() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let upstream = Upstream::anthropic().start().await;
        upstream.always(Behaviour::silent());
        let dir = place(&config(&upstream, ""));
        let generating = Generating::start(dir.path(), &[]);
        upstream.ledger().wait_for_calls(1).await;
        generating.signal(signal);
        let (code, out, err) = generating.ended();
        assert_eq!((code, out.as_str()), (status, ""), "{err}");
        assert!(err.ends_with("cancelled\n"), "{err}");
        upstream.ledger().wait_for_ended(1).await;
        assert_eq!(upstream.ledger().calls()[0].outcome, Outcome::Aborted);
        assert_eq!(stored(&dir), (vec![4], 1), "cancelled while running is charged");
        // Whoever uses the data directory next finds nothing to do.
        let server = Server::on(dir);
        let key = server.key("root", "free", &["--admin"]);
        let (_, queue) = server.get(&key, "/api/diagram/queue/status").await;
        assert_eq!((&queue["depth"], &queue["processing"]), (&0.into(), &0.into()));
        assert_eq!(upstream.ledger().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_wait_is_cancelled_and_costs_nothing() {
    let upstream = Upstream::anthropic().start().await;
    let one_a_minute = config(&upstream, "").replace("requests_per_minute = 1000", "requests_per_minute = 1");
    let dir = place(&one_a_minute);
    let (code, out, err) = Generating::start(dir.path(), &[]).ended();
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("flowchart"), "{out}");
    let mut waiting = Generating::start(dir.path(), &[]);
    waiting.says("queued, position 1");
    waiting.signal("INT");
    let (code, out, err) = waiting.ended();
    assert_eq!((code, out.as_str()), (130, ""), "{err}");
    assert_eq!(stored(&dir), (vec![2, 4], 1), "cancelled while queued gives its unit back");
    assert_eq!(upstream.ledger().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_generates_without_a_server_is_told_what_is_wrong_with_the_upstream() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(401));
    let refused = place(&config(&upstream, ""));
    let mut generating = Generating::start(refused.path(), &[]);
    generating.says("attempt 1 failed: the upstream refuses the key (401 ");
    generating.signal("INT");
    assert_eq!(generating.ended().0, 130);

    // A port that is nobody's as long as the listener lives, which does not listen.
    let nobody = tokio::net::TcpSocket::new_v4().unwrap();
    nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = format!("http://{}", nobody.local_addr().unwrap());
    let dead = place(&config(&upstream, "").replace(upstream.url().as_str(), &address));
    let mut generating = Generating::start(dead.path(), &[]);
    generating.says(&format!(
        "{address} cannot be reached (connection refused); check base_url of [[upstreams]] main"
    ));
    generating.signal("INT");
    assert_eq!(generating.ended().0, 130);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupting_cancels_the_request_on_the_server_too() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::silent());
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let elsewhere = TempDir::new().unwrap();
    let mut generating = Generating::start(elsewhere.path(), &["--server", &server.url, "--key", &key]);
    generating.says("accepted as req_");
    upstream.ledger().wait_for_calls(1).await;
    generating.signal("INT");
    let (code, out, err) = generating.ended();
    assert_eq!((code, out.as_str()), (130, ""), "{err}");
    assert!(err.contains("cancelled req_"), "{err}");
    upstream.ledger().wait_for_ended(1).await;
    let (_, listed) = server.get(&key, "/api/diagram/requests").await;
    assert_eq!(listed["requests"][0]["status"], "cancelled", "{listed}");
    assert!(!elsewhere.path().join("data").exists(), "nothing is made where the server is elsewhere");
}

/// Stands before a server, loses its first answer with the connection, and remembers every
/// idempotency key that went by.
struct LossyProxy {
    url: String,
    target: Arc<Mutex<String>>,
    uploaded: Arc<Mutex<Vec<u8>>>,
}

impl LossyProxy {
    async fn before(server: &Server) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let target = Arc::new(Mutex::new(String::new()));
        let uploaded = Arc::new(Mutex::new(Vec::new()));
        let proxy = Self { url, target: Arc::clone(&target), uploaded: Arc::clone(&uploaded) };
        proxy.stand_before(server);
        tokio::spawn(async move {
            let mut lose = true;
            while let Ok((client, _)) = listener.accept().await {
                let address = target.lock().clone();
                // Without a server behind it the connection is closed.
                let Ok(server) = TcpStream::connect(&address).await else { continue };
                let lossy = std::mem::take(&mut lose);
                tokio::spawn(pass(client, server, lossy, Arc::clone(&uploaded)));
            }
        });
        proxy
    }

    fn stand_before(&self, server: &Server) {
        server.url.trim_start_matches("http://").clone_into(&mut self.target.lock());
    }

    fn idempotency_keys(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.uploaded.lock()).to_lowercase();
        let lines = text.lines().filter_map(|line| line.strip_prefix("idempotency-key: "));
        lines.map(str::to_owned).collect()
    }
}

async fn pass(client: TcpStream, server: TcpStream, lossy: bool, seen: Arc<Mutex<Vec<u8>>>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let up = tokio::spawn(async move {
        let mut buffer = vec![0; 16 << 10];
        while let Ok(count @ 1..) = from_client.read(&mut buffer).await {
            seen.lock().extend_from_slice(&buffer[..count]);
            if to_server.write_all(&buffer[..count]).await.is_err() {
                break;
            }
        }
    });
    if lossy {
        // The answer is there, so the request is on disk; then everything is closed.
        let _ = from_server.read(&mut [0; 16]).await;
        up.abort();
        return;
    }
    let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    up.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_asked_for_again_and_makes_no_second_request() {
    let server = Server::start("");
    let key = server.key("ann", "pro", &[]);
    let elsewhere = TempDir::new().unwrap();
    let mut keys = Vec::new();
    for round in 1..=2 {
        let proxy = LossyProxy::before(&server).await;
        let (code, out, err) =
            Generating::start(elsewhere.path(), &["--server", &proxy.url, "--key", &key]).ended();
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("flowchart"), "{out}");
        let sent = proxy.idempotency_keys();
        assert_eq!(sent.len(), 2, "sent, and sent again");
        assert_eq!(sent[0], sent[1], "with the same key");
        assert_eq!(sent[0].len(), 32);
        keys.push(sent[0].clone());
        let (_, usage) = server.get(&key, "/api/diagram/usage").await;
        assert_eq!(usage["hour"]["used"], round, "one request a command");
        let (_, listed) = server.get(&key, "/api/diagram/requests").await;
        assert_eq!(listed["requests"].as_array().unwrap().len(), round);
    }
    assert_ne!(keys[0], keys[1], "each command has a key of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_and_comes_back_still_brings_the_diagram() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::silent());
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let proxy = LossyProxy::before(&server).await;
    let elsewhere = TempDir::new().unwrap();
    let generating = Generating::start(elsewhere.path(), &["--server", &proxy.url, "--key", &key]);
    upstream.ledger().wait_for_calls(1).await;
    let server = Server::on(server.kill());
    proxy.stand_before(&server);
    let (code, out, err) = generating.ended();
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("flowchart"), "{out}");
    let (_, listed) = server.get(&key, "/api/diagram/requests").await;
    assert_eq!(listed["requests"].as_array().unwrap().len(), 1, "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_generates_without_a_server_waits_for_nothing_that_a_server_left_undone() {
    let upstream = Upstream::anthropic().start().await;
    upstream.push(Behaviour::silent());
    let server = Server::start(&config(&upstream, "[generation]\ncoalesce = true\n[cache]\nshared = true\n"));
    // Equal in all that makes two requests share a call: the prompt, the type, the tier.
    let key = server.key("ann", "enterprise", &[]);
    let (_, left) = server.prompt(&key, "draw it").await;
    upstream.ledger().wait_for_calls(1).await;
    let dir = server.kill();
    let (code, out, err) = Generating::start(dir.path(), &[]).ended();
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("flowchart"), "{out}");
    assert_eq!(upstream.ledger().len(), 2, "a call of its own");
    assert_eq!(stored(&dir).0[1], 2, "completed");
    let server = Server::on(dir);
    let ended = server.ended(&key, left["requestId"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "completed", "what was left goes on when a server is there again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_is_filled_on_the_command_line_with_and_without_a_server() {
    let upstream = Upstream::anthropic().start().await;
    let dir = place(&config(&upstream, ""));
    std::fs::write(dir.path().join("a.sql"), "CREATE TABLE hat (id int);\n").unwrap();
    let filled =
        ["--template", "er-from-sql", "--var", "ddl=@a.sql", "--var", "tables=hat", "--var", "tables=cap"];
    let (code, _, err) = Generating::start(dir.path(), &filled).ended();
    assert_eq!(code, 0, "{err}");
    let server = Server::start(&config(&upstream, ""));
    let key = server.key("ann", "pro", &[]);
    let by_server = ["--server", &server.url, "--key", &key];
    let (code, _, err) = Generating::start(dir.path(), &[&filled[..], &by_server[..]].concat()).ended();
    assert_eq!(code, 0, "{err}");
    let calls = upstream.ledger().calls();
    assert_eq!((calls.len(), &calls[0].prompt), (2, &calls[1].prompt));
    for part in ["CREATE TABLE hat (id int);", "- hat\n- cap", "draw it"] {
        assert!(calls[0].prompt.contains(part), "{}", calls[0].prompt);
    }
    for place_of_server in [&[][..], &by_server[..]] {
        let arguments = [&["--template", "er-from-sql"][..], place_of_server].concat();
        let (code, out, err) = Generating::start(dir.path(), &arguments).ended();
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains("variables/ddl: Is missing"), "{err}");
    }
    let (code, _, err) = Generating::start(dir.path(), &["--var", "ddl=x"]).ended();
    assert_eq!(code, 2, "a variable without a template: {err}");
    assert_eq!(upstream.ledger().len(), 2);
}

#[test]
fn nothing_is_asked_for_when_its_picture_cannot_be_drawn() {
    let dir = TempDir::new().unwrap();
    let ran = Command::new(BINARY)
        .args(["generate", "a then b", "-t", "plantuml", "-o", "a.png"])
        .current_dir(dir.path())
        .env_remove("ANTHROPIC_API_KEY")
        .output()
        .unwrap();
    let said = String::from_utf8(ran.stderr).unwrap();
    assert_eq!((ran.status.code(), ran.stdout.as_slice()), (Some(1), &b""[..]), "{said}");
    assert!(said.contains("nothing was asked for, since a.png could not be drawn"), "{said}");
    assert!(said.contains("kroki_url"), "it says what would draw it: {said}");
    assert!(!dir.path().join("diagramd-data").exists(), "no engine was started");
}
