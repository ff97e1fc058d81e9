//! The database of every version so far, opened by this one. Each stands in `tests/upgrade`, as the
//! program of its version left it when it was killed.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::server::Server;
use crate::verb;

/// Old requests are looked at, however old they are by now.
const CONFIG: &str =
    "[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n[retention]\nfinished = \"3650d\"\n";

/// What the program knew of its database.
#[derive(Deserialize)]
pub struct Facts {
    pub user: String,
    admin: String,
    completed: BTreeMap<String, String>,
    pub live: Vec<String>,
    cancelled: String,
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
    (dir, facts)
}

fn version(dir: &TempDir) -> i64 {
    let database = Connection::open(dir.path().join("data/diagramd.db")).unwrap();
    database.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_of_every_version_is_served_and_its_queue_goes_on() {
    let databases = databases();
    let versions: Vec<i64> = databases.keys().copied().collect();
    assert_eq!(versions, (1..=*versions.last().unwrap()).collect::<Vec<_>>(), "there is one of each");
    for (old, path) in &databases {
        let (dir, facts) = laid_out(path);
        let (status, _, err) = verb::run(dir.path(), &["restore", "--check", "data/diagramd.db"], "");
        assert_eq!((status, err.as_str()), (0, ""), "schema {old}");
        let server = Server::on(dir);
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
