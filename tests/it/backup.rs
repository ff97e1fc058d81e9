//! `diagramd backup` beside a server under load, `restore`, and what neither may do.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use parking_lot::Mutex;
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::server::Server;
use crate::verb;

const CLIENTS: usize = 64;
/// Acknowledged before the backup begins.
const BEFORE: usize = 300;
/// Acknowledged after it, before the kill.
const AFTER: usize = 100;

/// Everything is accepted, and each request makes a call of its own.
const CONFIG: &str = "[[upstreams]]\nname = \"main\"\nkind = \"offline\"\nrequests_per_minute = 0\ntokens_per_minute = 0\n\
    [tiers.enterprise]\nmax_queued = 1000000\nrequests_per_hour = 1000000\nrequests_per_day = 1000000\n\
    [server]\napi_requests_per_minute = 0\n[generation]\ncoalesce = false\n[cache]\nenabled = false\n";

/// A verb on a data directory called `data`, as an operator runs it in `folder`.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let (status, out, err) = verb::run(folder, &[arguments, &["--data-dir", "data"]].concat(), "");
    (status, String::from_utf8(out).unwrap(), err)
}

/// As [`run`], of what must work.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let (status, out, err) = run(folder, arguments);
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    out
}

/// As [`run`], of what must be refused; what it says.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let (status, out, err) = run(folder, arguments);
    assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}: {err}");
    assert!(!err.contains("Usage"), "{err}");
    err
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A data directory with a finished request in it, its server stopped.
async fn stopped() -> (TempDir, String) {
    let server = Server::start(CONFIG);
    let key = server.key("ann", "enterprise", &[]);
    let (_, accepted) = server.post(&key, json!({ "prompt": "a then b", "diagramType": "graphviz" })).await;
    server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    (server.terminate().await, key)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_under_load_holds_all_that_was_acknowledged_before_it() {
    let server = Server::start(CONFIG);
    let key = server.key("ann", "enterprise", &[]);
    let acknowledged = Mutex::new(Vec::<String>::new());
    let (count, mut counted) = watch::channel(0);
    let client = |number: usize| {
        let (server, key, acknowledged, count) = (&server, &key, &acknowledged, &count);
        async move {
            for n in 0.. {
                let body = json!({ "prompt": format!("step {n} of {number}, then the next"), "diagramType": "graphviz" });
                let (status, accepted) = server.post(key, body).await;
                assert_eq!(status, 202, "{accepted}");
                acknowledged.lock().push(accepted["requestId"].as_str().unwrap().to_owned());
                count.send_modify(|count| *count += 1);
            }
        }
    };
    let folder = server.dir.path().to_owned();
    let before = async {
        counted.wait_for(|count| *count >= BEFORE).await.unwrap();
        let before = acknowledged.lock().clone();
        let backup = || done(&folder, &["backup", "backup.db"]);
        let said = tokio::task::block_in_place(backup);
        assert!(said.contains("is whole and checked"), "{said}");
        let so_far = *counted.borrow();
        counted.wait_for(|count| *count >= so_far + AFTER).await.unwrap();
        before
    };
    let before = tokio::select! {
        before = before => before,
        _ = futures_util::future::join_all((0..CLIENTS).map(client)) => panic!("the clients go on"),
    };
    // All that came after the backup is lost with the machine.
    let lost = server.kill();
    let dir = TempDir::new().unwrap();
    std::fs::copy(lost.path().join("backup.db"), dir.path().join("backup.db")).unwrap();
    std::fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
    let said = done(dir.path(), &["restore", "backup.db"]);
    assert!(said.contains("data/diagramd.db is restored"), "{said}");
    let server = Server::on(dir);
    for id in &before {
        assert_eq!(server.ended(&key, id).await["status"], "completed", "{id}");
    }
    let database = Connection::open(server.dir.path().join("backup.db")).unwrap();
    let stored: u32 = database.query_row("SELECT count(*) FROM job", [], |row| row.get(0)).unwrap();
    println!("{} acknowledged before the backup, {stored} in it", before.len());
    assert!(usize::try_from(stored).unwrap() >= before.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_is_one_whole_private_file_that_a_server_can_use() {
    let (dir, key) = stopped().await;
    let folder = dir.path();
    let made: Value = serde_json::from_str(&done(folder, &["backup", "backup.db", "--json"])).unwrap();
    assert_eq!(names(folder), ["backup.db", "config.toml", "data"], "nothing stands beside it");
    let file = folder.join("backup.db");
    let metadata = file.metadata().unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    assert_eq!(made["bytes"], metadata.len());
    let database = Connection::open(&file).unwrap();
    let pragma = |name: &str| database.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(made["schema"], pragma("user_version"));
    drop(database);

    let checked: Value =
        serde_json::from_str(&done(folder, &["restore", "--check", "backup.db", "--json"])).unwrap();
    assert_eq!(checked["requests"]["completed"], 1);
    assert_eq!((&checked["users"], &checked["keys"]), (&json!(1), &json!(1)));
    assert_eq!(names(folder), ["backup.db", "config.toml", "data"], "looking at it leaves nothing");

    let with_it = TempDir::new().unwrap();
    let config = format!("{CONFIG}[storage]\nurl = \"sqlite:{}\"\n", file.display());
    std::fs::write(with_it.path().join("config.toml"), config).unwrap();
    let server = Server::on(with_it);
    let (status, listed) = server.get(&key, "/api/diagram/requests").await;
    assert_eq!((status, listed["requests"].as_array().unwrap().len()), (200, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_no_place_that_is_not_its_own() {
    let (dir, _) = stopped().await;
    let folder = dir.path();
    std::fs::write(folder.join("notes"), "mine").unwrap();
    assert!(refused(folder, &["backup", "notes"]).contains("is there already"));
    assert_eq!(std::fs::read_to_string(folder.join("notes")).unwrap(), "mine");
    done(folder, &["backup", "--force", "notes"]);
    done(folder, &["restore", "--check", "notes"]);
    for (file, said) in [
        ("data/diagramd.db", "is the database itself"),
        ("nowhere/backup.db", "there is no directory nowhere"),
        ("data", "is a directory"),
    ] {
        assert!(refused(folder, &["backup", "--force", file]).contains(said), "{file}");
    }
    // A link in the place of the half-made file, to somebody's file and to none.
    for (name, aim) in [("link", "letters"), ("dangling", "nothing")] {
        std::fs::write(folder.join("letters"), "somebody's").unwrap();
        std::os::unix::fs::symlink(folder.join(aim), folder.join(format!("{name}.partial"))).unwrap();
        let told = refused(folder, &["backup", "--force", name]);
        assert!(told.contains(&format!("{name}.partial cannot be written")), "{told}");
        assert_eq!(std::fs::read_to_string(folder.join("letters")).unwrap(), "somebody's");
        assert!(!folder.join("nothing").exists() && !folder.join(name).exists());
    }
    // A database that another server is at work on.
    let other = Server::start(CONFIG);
    other.key("bob", "free", &[]);
    let live = other.dir.path().join("data/diagramd.db");
    assert!(refused(folder, &["backup", "--force", live.to_str().unwrap()]).contains("a database in use"));
    let (status, _, err) = verb::run(folder, &["backup", "x.db", "--data-dir", "elsewhere"], "");
    assert!(status == 1 && err.contains("there is no database at elsewhere/diagramd.db"), "{err}");
    assert!(!folder.join("elsewhere").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_killed_or_stopped_leaves_nothing_that_looks_whole() {
    let (dir, _) = stopped().await;
    let folder = dir.path();
    // So large that it takes a while.
    let database = Connection::open(folder.join("data/diagramd.db")).unwrap();
    database
        .execute_batch(
            "CREATE TABLE ballast (bytes BLOB);
             WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 128)
             INSERT INTO ballast SELECT randomblob(524288) FROM many;",
        )
        .unwrap();
    drop(database);
    let (file, partial) = (folder.join("backup.db"), folder.join("backup.db.partial"));
    for (signal, status) in [("KILL", None), ("TERM", Some(143)), ("KILL", None), ("INT", Some(130))] {
        let mut halfway = false;
        // It may be done before the signal comes; then it is whole, and it is tried again.
        while !halfway {
            if partial.exists() {
                std::fs::remove_file(&partial).unwrap();
            }
            let mut child = Command::new(env!("CARGO_BIN_EXE_diagramd"))
                .args(["backup", "backup.db", "--data-dir", "data"])
                .current_dir(folder)
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let begun = || partial.metadata().is_ok_and(|metadata| metadata.len() > 1 << 20);
            while child.try_wait().unwrap().is_none() && !begun() {
                std::thread::yield_now();
            }
            let pid = child.id().to_string();
            // It may have ended by itself.
            Command::new("kill").args([&format!("-{signal}"), &pid]).stderr(Stdio::null()).status().unwrap();
            let ended = child.wait_with_output().unwrap();
            if file.exists() {
                done(folder, &["restore", "--check", "backup.db"]);
                std::fs::remove_file(&file).unwrap();
                continue;
            }
            halfway = true;
            assert_eq!(ended.status.code(), status, "{}", String::from_utf8_lossy(&ended.stderr));
            assert_eq!(partial.exists(), signal == "KILL", "what is asked to stop tidies up");
        }
    }
    std::fs::write(&partial, "left by one that was killed").unwrap();
    done(folder, &["backup", "backup.db"]);
    done(folder, &["restore", "--check", "backup.db"]);
    assert_eq!(names(folder), ["backup.db", "config.toml", "data"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_served_is_said_plainly_and_not_restored() {
    let (dir, _) = stopped().await;
    let folder = dir.path();
    done(folder, &["backup", "good.db"]);
    let good = std::fs::read(folder.join("good.db")).unwrap();
    let change = |sql: &str| {
        std::fs::write(folder.join("changed.db"), &good).unwrap();
        Connection::open(folder.join("changed.db")).unwrap().execute_batch(sql).unwrap();
        std::fs::read(folder.join("changed.db")).unwrap()
    };
    let mut torn = good.clone();
    // Every page but the first: whatever is in them.
    torn[8192..].iter_mut().step_by(511).for_each(|byte| *byte ^= 0x55);
    for (bytes, said) in [
        (b"just some text that is long enough".repeat(40), "is not a diagramd database"),
        (Vec::new(), "is not a diagramd database"),
        (good[..good.len() / 2].to_vec(), "cannot be"),
        (torn, "cannot be"),
        (change("PRAGMA user_version = 9999"), "was written by a newer diagramd (schema 9999"),
        (change("PRAGMA application_id = 1"), "is not a diagramd database"),
        (change("DROP INDEX job_queued"), "it has no index job_queued"),
        (change("PRAGMA foreign_keys = OFF; DELETE FROM user"), "refers to a row of user that is not there"),
    ] {
        std::fs::write(folder.join("bad.db"), bytes).unwrap();
        let told = refused(folder, &["restore", "--check", "bad.db"]);
        assert!(told.contains("bad.db") && told.contains(said), "{said}: {told}");
        let told = refused(folder, &["restore", "--replace", "bad.db"]);
        assert!(told.contains(said), "{said}: {told}");
        assert_eq!(names(&folder.join("data")), ["diagramd.db", "diagramd.lock", "secret"]);
    }
    assert!(refused(folder, &["restore", "--check", "nothing.db"]).contains("nothing.db cannot be read"));
    let (status, _, err) = run(folder, &["restore", "--check", "--paused", "good.db"]);
    assert!(status == 2 && err.contains("--check changes nothing"), "{err}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restore_replaces_nothing_that_is_used_or_was_not_asked_for() {
    let (dir, key) = stopped().await;
    done(dir.path(), &["backup", "backup.db"]);
    let server = Server::on(dir);
    let folder = server.dir.path().to_owned();
    let told = refused(&folder, &["restore", "--replace", "backup.db"]);
    assert!(told.contains("another diagramd (process"), "{told}");
    let (_, late) = server.post(&key, json!({ "prompt": "c then d", "diagramType": "graphviz" })).await;
    let late = late["requestId"].as_str().unwrap().to_owned();
    server.ended(&key, &late).await;
    // Killed, so that what it wrote last is in its log alone.
    let dir = server.kill();
    let told = refused(dir.path(), &["restore", "backup.db"]);
    assert!(told.contains("there is a database at data/diagramd.db already; --replace"), "{told}");
    let told = done(dir.path(), &["restore", "--replace", "--paused", "backup.db"]);
    assert!(told.contains("data/diagramd.db.replaced-1"), "{told}");
    assert_eq!(
        names(&dir.path().join("data")),
        ["diagramd.db", "diagramd.db.replaced-1", "diagramd.lock", "secret"]
    );
    let kept = done(dir.path(), &["restore", "--check", "data/diagramd.db.replaced-1", "--json"]);
    let kept: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!(kept["requests"]["completed"], 2, "its log is in it: {kept}");
    let server = Server::on(dir);
    assert_eq!(server.get(&key, &format!("/api/diagram/status/{late}")).await.0, 404);
    let admin = server.key("root", "free", &["--admin"]);
    let (_, queue) = server.get(&admin, "/api/diagram/queue/status").await;
    assert_eq!(queue["paused"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn root_puts_no_database_where_another_user_will_serve() {
    let (dir, _) = stopped().await;
    done(dir.path(), &["backup", "backup.db"]);
    let empty = TempDir::new().unwrap();
    std::fs::copy(dir.path().join("backup.db"), empty.path().join("backup.db")).unwrap();
    std::fs::create_dir(empty.path().join("data")).unwrap();
    // Only root may give a directory away, and only root is refused.
    if std::os::unix::fs::chown(empty.path().join("data"), Some(65_534), Some(65_534)).is_err() {
        done(empty.path(), &["restore", "backup.db"]);
        return;
    }
    let told = refused(empty.path(), &["restore", "backup.db"]);
    assert!(
        told.contains("a database that root puts there would lock that user out") && told.contains("sudo -u"),
        "{told}"
    );
    assert!(names(&empty.path().join("data")).is_empty(), "and nothing of root's is left there");
}
