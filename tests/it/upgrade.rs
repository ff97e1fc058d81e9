//! The database of every version so far, opened by this one. Each stands in `tests/upgrade`, as the
//! program of its version left it when it was killed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use diagramd::domain::invoice::Month;
use diagramd::domain::{Money, Timestamp};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::server::Server;
use crate::verb;

/// Old requests are looked at, however old they are by now.
const CONFIG: &str =
    "[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n[retention]\nfinished = \"3650d\"\n";

/// The first schema in which all that invoices rest on is written down.
const BOOKS_SINCE: i64 = 9;

/// What the program knew of its database.
#[derive(Deserialize)]
pub struct Facts {
    pub user: String,
    admin: String,
    completed: BTreeMap<String, String>,
    pub live: Vec<String>,
    cancelled: String,
    used: u64,
}

/// By version.
pub fn databases() -> BTreeMap<i64, PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/upgrade");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let version = |path: &PathBuf| path.file_stem()?.to_str()?.strip_prefix("schema-")?.parse().ok();
    paths.filter_map(|path| Some((version(&path)?, path))).collect()
}

/// Writes the database into a fresh directory as `data/diagramd.db`.
pub fn laid_out(path: &PathBuf) -> (TempDir, Facts) {
    let text = std::fs::read_to_string(path).unwrap();
    let facts = text.lines().next().unwrap().strip_prefix("-- ").unwrap();
    let facts = serde_json::from_str(facts).unwrap();
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
    std::fs::create_dir(dir.path().join("data")).unwrap();
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    // The tables are not in the order of their references.
    database.pragma_update(None, "foreign_keys", false).unwrap();
    database.execute_batch(&text).unwrap();
    // Keys and units count for a day, and it may be long ago that they were written.
    let now = now();
    database
        .execute_batch(&format!(
            "UPDATE idempotency SET created_at = {};
             UPDATE request_window SET start = {} WHERE kind = 1;",
            now.0,
            now.day().0
        ))
        .unwrap();
    (dir, facts)
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

/// Tokens, money and the month in which they were used, of all users.
fn used(dir: &TempDir) -> (Month, i64, i64, i64) {
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    let sums = "SELECT start, sum(input), sum(output), sum(cost) FROM usage_window WHERE kind = 2";
    database
        .query_row(sums, [], |row| {
            Ok((Month::of(Timestamp(row.get(0)?)), row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .unwrap()
}

/// What was asked with an idempotency key, and which request that was.
fn keys(dir: &TempDir) -> Vec<(usize, String)> {
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    let mut statement =
        database.prepare("SELECT 'req_' || lower(hex(job_id)) FROM idempotency ORDER BY key").unwrap();
    let ids = statement.query_map([], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).enumerate().collect()
}

/// Usage is what it was, and what was asked before is not done again.
async fn nothing_is_forgotten(server: &Server, facts: &Facts, used: (Month, i64, i64, i64), old: i64) {
    let (_, usage) = server.get(&facts.user, "/api/diagram/usage").await;
    assert_eq!(usage["day"]["used"], facts.used, "schema {old}");
    let (month, input, output, cost) = used;
    let arguments = ["invoice", "--month", &month.name(), "--user", "ann", "--data-dir", "data"];
    let (status, invoice, err) = verb::run(server.dir.path(), &arguments, "");
    assert_eq!((status, err.as_str()), (0, ""), "schema {old}");
    let invoice: Value = serde_json::from_slice(&invoice).unwrap();
    let invoice = &invoice["invoices"][0];
    assert_eq!(
        (&invoice["tokens"]["inputTokens"], &invoice["tokens"]["outputTokens"]),
        (&json!(input), &json!(output)),
        "schema {old}"
    );
    assert_eq!(invoice["costUsd"], Money(cost).to_string(), "schema {old}");
    assert_eq!(invoice["assumed"], old < BOOKS_SINCE, "schema {old}");
    // All that was asked is still there to be counted, model by model.
    assert!(invoice["models"].as_array().unwrap().iter().all(|of| of["model"].is_string()), "{invoice}");
    let asked = facts.completed.len() + facts.live.len() + 1;
    assert_eq!(invoice["requests"], json!({ "accepted": asked, "returned": 1 }), "schema {old}");
    let keys = keys(&server.dir);
    assert_eq!(keys.len(), facts.completed.len(), "schema {old}");
    for (n, id) in keys {
        let prompt = format!("order {n} arrives, then it is shipped");
        let call = server.client.post(format!("{}/api/diagram/generate", server.url));
        let call = call.header("x-api-key", &facts.user).header("idempotency-key", format!("key-{n}"));
        let answer = call.json(&json!({ "prompt": prompt, "diagramType": "graphviz" })).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["requestId"], id, "schema {old}: {answer}");
    }
}

/// The schema that this program writes.
fn present_version() -> i64 {
    let dir = TempDir::new().unwrap();
    let (status, _, err) = verb::run(dir.path(), &["key", "create", "--user", "x", "--data-dir", "data"], "");
    assert_eq!(status, 0, "{err}");
    version(&dir)
}

fn version(dir: &TempDir) -> i64 {
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_every_version_is_served_and_its_queue_goes_on() {
    let databases = databases();
    let versions: Vec<i64> = databases.keys().copied().collect();
    let present = present_version();
    assert!(
        versions == (1..present).collect::<Vec<_>>() || versions == (1..=present).collect::<Vec<_>>(),
        "the present schema is {present}, and of each before it there is one made by tests/upgrade/make: {versions:?}"
    );
    for (old, path) in &databases {
        let (dir, facts) = laid_out(path);
        let (status, _, err) = verb::run(dir.path(), &["restore", "--check", "data/diagramd.db"], "");
        assert_eq!((status, err.as_str()), (0, ""), "schema {old}");
        let used = used(&dir);
        let server = Server::on(dir);
        nothing_is_forgotten(&server, &facts, used, *old).await;
        for (id, result) in &facts.completed {
            let (_, job) = server.get(&facts.user, &format!("/api/diagram/status/{id}")).await;
            assert_eq!(
                (&job["status"], &job["result"]),
                (&json!("completed"), &json!(result)),
                "schema {old}"
            );
        }
        let (_, job) = server.get(&facts.user, &format!("/api/diagram/status/{}", facts.cancelled)).await;
        assert_eq!(job["status"], "cancelled", "schema {old}");
        let (_, queue) = server.get(&facts.admin, "/api/diagram/queue/status").await;
        assert_eq!(
            (&queue["paused"], &queue["depth"]),
            (&json!(true), &json!(facts.live.len())),
            "schema {old}"
        );
        server.post_to(&facts.admin, "/api/admin/queue/resume", json!({})).await;
        for id in &facts.live {
            assert_eq!(server.ended(&facts.user, id).await["status"], "completed", "schema {old}");
        }
        let (_, stats) = server.get(&facts.admin, "/api/diagram/stats?from=2026-01-01T00:00:00Z").await;
        let ended = facts.completed.len() + facts.live.len();
        assert_eq!(stats["totals"]["completed"], ended, "schema {old}");
        let dir = server.terminate().await;
        let now = version(&dir);
        let copy = dir.path().join(format!("data/diagramd.db.schema-{old}"));
        assert_eq!(
            copy.exists(),
            *old < now,
            "schema {old}: a copy is made before a migration, and only then"
        );
        if copy.exists() {
            assert_eq!(copy.metadata().unwrap().permissions().mode() & 0o777, 0o600);
            let (status, out, err) =
                verb::run(dir.path(), &["restore", "--check", copy.to_str().unwrap()], "");
            assert_eq!((status, err.as_str()), (0, ""), "schema {old}");
            assert!(String::from_utf8(out).unwrap().contains(&format!("{old}; becomes {now}")));
        }
    }
}

/// A database of version 1 that takes a while to copy.
fn large() -> TempDir {
    let (dir, _) = laid_out(&databases()[&1]);
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE ballast (bytes BLOB);
             WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 192)
             INSERT INTO ballast SELECT randomblob(1048576) FROM many;",
        )
        .unwrap();
    dir
}

#[test]
fn a_start_that_copies_a_database_goes_on_by_the_service_managers_leave_and_stops_when_it_is_told_to() {
    let dir = large();
    let notify = UnixDatagram::bind(dir.path().join("notify")).unwrap();
    notify.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .args(["serve", "--config", "config.toml", "--data-dir", "data", "--listen", "127.0.0.1:0"])
        .current_dir(dir.path())
        .env("NOTIFY_SOCKET", dir.path().join("notify"))
        .env_remove("ANTHROPIC_API_KEY")
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut bytes = [0; 512];
    let length = notify.recv(&mut bytes).expect("the start says that it goes on");
    let said = String::from_utf8_lossy(&bytes[..length]).into_owned();
    assert!(said.starts_with("EXTEND_TIMEOUT_USEC=60000000\nSTATUS=copying the database"), "{said}");
    let partial = dir.path().join("data/diagramd.db.schema-1.partial");
    let copied = || partial.metadata().is_ok_and(|file| file.len() > 1 << 20);
    while child.try_wait().unwrap().is_none() && !copied() {
        std::thread::yield_now();
    }
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{told}");
    assert!(told.contains("stopped before anything was served"), "{told}");
    assert_eq!(version(&dir), 1, "the database is as it was");
    assert!(!partial.exists() && !partial.with_extension("").exists(), "and nothing is left of its copy");
    // The next start has all the time that it needs.
    let server = Server::on(dir);
    let dir = server.kill();
    assert!(version(&dir) > 1 && dir.path().join("data/diagramd.db.schema-1").exists());
}

#[test]
fn the_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let (_, path) = databases().pop_last().unwrap();
    let (dir, _) = laid_out(&path);
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    database.pragma_update(None, "user_version", 9999).unwrap();
    drop(database);
    let before = std::fs::read(dir.path().join("data/diagramd.db")).unwrap();
    let told = Server::fails_to_start(&dir, "127.0.0.1:0");
    assert!(
        told.contains("was written by a newer diagramd (schema 9999")
            && told.contains("install that version")
    );
    let (status, _, told) =
        verb::run(dir.path(), &["key", "create", "--user", "x", "--data-dir", "data"], "");
    assert!(status == 1 && told.contains("was written by a newer diagramd"), "{told}");
    // A version that is only newer can still be saved.
    let (status, _, told) = verb::run(dir.path(), &["backup", "saved.db", "--data-dir", "data"], "");
    assert_eq!((status, told.as_str()), (0, ""));
    let after = std::fs::read(dir.path().join("data/diagramd.db")).unwrap();
    // A start turns on the write-ahead log, which stands in bytes 18 and 19 and in the change counters.
    assert_eq!(before[100..], after[100..]);
}

#[test]
fn a_verb_changes_no_schema_under_a_running_server() {
    let (dir, _) = laid_out(&databases()[&1]);
    // As an older server holds it.
    let lock = std::fs::File::create(dir.path().join("data/diagramd.lock")).unwrap();
    lock.lock().unwrap();
    let create = || verb::run(dir.path(), &["key", "create", "--user", "x", "--data-dir", "data"], "");
    let (status, _, told) = create();
    assert!(status == 1 && told.contains("a server of an older version runs on data/diagramd.db"), "{told}");
    assert_eq!(version(&dir), 1);
    lock.unlock().unwrap();
    assert_eq!(create().0, 0);
    assert!(version(&dir) > 1);
}
