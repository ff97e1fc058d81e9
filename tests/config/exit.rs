//! Exit statuses, and what is said with them.

use crate::binary::{Place, Ran};
use crate::serving::{Serving, answer};

fn key(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["key", "create"], arguments].concat())
}

#[test]
fn a_command_line_that_makes_no_sense_is_2_and_says_why() {
    let place = Place::new();
    let mut told = String::new();
    for arguments in [
        &[][..],
        &["serv"],
        &["serve", "--prot", "1"],
        &["config"],
        &["key"],
        &["key", "create"],
        &["key", "create", "--user", "ann", "--tier", "gold"],
        &["key", "create", "--user", "a/b"],
        &["key", "create", "--user", "ann", "--expires", "soon"],
        &["key", "create", "--user", "ann", "--expires", "0d"],
        &["key", "revoke"],
        &["user", "set-tier", "ann"],
        &["user", "set-tier", "ann", "gold"],
        &["tier"],
        &["generate"],
        &["generate", "  "],
        &["generate", "x", "-t", "visio"],
        &["generate", "x", "--server", "not a url"],
        &["status"],
        &["status", "req_1", "--server", "ftp://a.example"],
        &["usage", "--key", "two words"],
        &["health", "--server", "127.0.0.1:3000"],
        &["completions", "cmd.exe"],
    ] {
        let ran = place.run(arguments);
        assert_eq!((ran.status, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!ran.err.is_empty(), "{arguments:?}");
        told.push_str(&format!("$ diagramd {}\n{}\n", arguments.join(" "), ran.err));
    }
    insta::assert_snapshot!("usage_errors", told);
    assert!(!place.path("diagramd-data").exists(), "nothing was made");
}

#[test]
fn verbs_on_the_data_directory_do_their_work_or_say_why_not() {
    let place = Place::new();
    let made = key(&place, &["--user", "ann", "--tier", "pro", "--expires", "90d"]);
    assert_eq!(made.status, 0, "{made:?}");
    assert!(made.out.starts_with("dgd_") && made.out.lines().count() == 1, "the key alone: {}", made.out);
    assert!(!made.err.contains(made.out.trim()), "the key is on standard output only");
    let admin = key(&place, &["--user", "root", "--admin"]);
    assert_eq!(admin.status, 0);

    let listed = place.run(&["key", "list", "--json"]);
    let keys: Vec<serde_json::Value> = serde_json::from_str(&listed.out).unwrap();
    assert!(!listed.out.contains(made.out.trim()), "a list has no keys in it");
    let names: Vec<&str> = keys[0].as_object().unwrap().keys().map(String::as_str).collect();
    let wanted = ["id", "user", "role", "prefix", "createdAt", "expiresAt", "lastUsedAt", "revokedAt"];
    assert!(wanted.iter().all(|name| names.contains(name)) && names.len() == wanted.len(), "{names:?}");
    let of = |user: &str| keys.iter().find(|key| key["user"] == user).unwrap().clone();
    assert_eq!((of("root")["role"].as_str(), of("ann")["role"].as_str()), (Some("admin"), Some("user")));
    assert!(of("ann")["expiresAt"].is_string() && of("root")["expiresAt"].is_null());
    assert!(made.out.starts_with(of("ann")["prefix"].as_str().unwrap()));

    let id = of("ann")["id"].as_str().unwrap().to_owned();
    assert_eq!(place.run(&["key", "revoke", &id]).status, 0);
    let table = place.run(&["key", "list"]).out;
    assert!(table.starts_with("ID ") && table.contains("revoked 20"), "{table}");

    assert_eq!(place.run(&["user", "set-tier", "ann", "enterprise"]).status, 0);
    let role = |user: &str, role: &str| place.run(&["user", "set-role", user, role]);
    let roles = |name: &str| {
        let list = place.run(&["user", "list", "--json"]).out;
        let users: Vec<serde_json::Value> = serde_json::from_str(&list).unwrap();
        users.iter().find(|user| user["name"] == name).unwrap()["role"].clone()
    };
    assert_eq!(
        (role("ann", "admin").out.as_str(), roles("ann")),
        ("ann has the role admin\n", "admin".into())
    );
    let taken = role("ann", "user");
    assert_eq!((taken.status, taken.err.as_str(), roles("ann")), (0, "", "user".into()));
    let kept = role("root", "user");
    assert!(kept.status == 0 && kept.err.contains("root still holds an admin key"), "{}", kept.err);
    let table = place.run(&["user", "list"]).out;
    let row = |name: &str| table.lines().find(|line| line.starts_with(name)).unwrap();
    assert!(row("root").contains("user, holds an admin key"), "{table}");
    assert!(!row("ann").contains("admin"), "{table}");
    assert_eq!(place.run(&["user", "disable", "ann"]).status, 0);
    let users: Vec<serde_json::Value> =
        serde_json::from_str(&place.run(&["user", "list", "--json"]).out).unwrap();
    let ann = users.iter().find(|user| user["name"] == "ann").unwrap();
    assert_eq!((&ann["tier"], ann["disabledAt"].is_string()), (&"enterprise".into(), true));
    assert!(place.run(&["user", "list"]).out.starts_with("NAME "));

    let refused = key(&place, &["--user", "ann"]);
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert!(refused.err.contains("diagramd user enable \"ann\""), "{}", refused.err);
    assert_eq!(place.run(&["user", "enable", "ann"]).status, 0);
    let moved = key(&place, &["--user", "ann", "--tier", "free"]);
    assert!(moved.status == 0 && moved.err.contains("ann moved from enterprise to free"), "{}", moved.err);
    assert!(!key(&place, &["--user", "ann", "--tier", "free"]).err.contains("moved"));

    assert_eq!(place.run(&["man", "--dir", "made/for/it"]).status, 0);
    assert!(place.path("made/for/it/diagramd.1").exists());

    let mut told = String::new();
    for arguments in [
        &["key", "revoke", "key_none"][..],
        &["user", "set-tier", "nobody", "pro"],
        &["user", "set-role", "nobody", "admin"],
        &["user", "disable", "nobody"],
        &["user", "set-password", "nobody"],
        &["user", "set-password", "ann"],
        &["generate", "x", "-o", "none/x.mmd"],
        &["man", "--dir", "/dev/null/none"],
        &["status", "req_00000000000000000000000000000000", "--server", "http://127.0.0.1:1"],
    ] {
        let ran = place.run(arguments);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{arguments:?}: {ran:?}");
        told.push_str(&format!("$ diagramd {}\n{}\n", arguments.join(" "), ran.err));
    }
    insta::assert_snapshot!("failures", told);
}

#[test]
fn root_does_not_touch_the_database_of_another_user() {
    let place = Place::new();
    assert_eq!(key(&place, &["--user", "ann"]).status, 0);
    let database = place.path("diagramd-data/diagramd.db");
    if std::os::unix::fs::chown(&database, Some(65_534), None).is_err() {
        // Only root can give a file away, and only root is refused.
        return;
    }
    for arguments in [&["user", "list"][..], &["key", "create", "--user", "ben"], &["serve"]] {
        let refused = place.run(arguments);
        assert_eq!((refused.status, refused.out.as_str()), (1, ""), "{arguments:?}");
        assert!(refused.err.contains("belongs to the user nobody"), "{}", refused.err);
        assert!(refused.err.contains("sudo -u 'nobody' diagramd"), "{}", refused.err);
    }
}

#[test]
fn the_tiers_are_listed() {
    let place = Place::with("[tiers.pro]\nmonthly_budget_usd = 20\nmodels = [\"a\", \"b\"]\n");
    insta::assert_snapshot!("tier_list", place.run(&["tier", "list"]).told());
    insta::assert_snapshot!("tier_list_json", place.run(&["tier", "list", "--json"]).told());
}

#[test]
fn help_and_version_are_0() {
    let place = Place::new();
    for arguments in [&["--help"][..], &["-h"], &["--version"], &["version"], &["serve", "-h"]] {
        let ran = place.run(arguments);
        assert_eq!((ran.status, ran.err.as_str()), (0, ""), "{arguments:?}");
    }
    assert_eq!(place.run(&["version"]).out, concat!("diagramd ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn what_a_server_must_have_and_has_not_is_1() {
    let serving = Serving::start("");
    let address = serving.url.trim_start_matches("http://").to_owned();
    let other = Place::new();
    let taken = other.run(&["serve", "--listen", &address]);
    assert_eq!(taken.status, 1, "{taken:?}");
    assert!(taken.err.contains("another program"), "{}", taken.err);
    let data = serving.dir.path().join("data");
    let locked = other.run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(locked.status, 1, "{locked:?}");
    let locked = other.run(&["generate", "x", "--data-dir", data.to_str().unwrap()]);
    assert_eq!(locked.status, 1, "{locked:?}");
    insta::assert_snapshot!(
        "data_dir_in_use",
        redacted(locked.err.lines().last().unwrap())
            .replace(data.to_str().unwrap(), "DATA")
            .replace(&format!("{})", serving.id()), "N)")
    );
    let file = other.write("file", "");
    let no_dir = other.run(&["serve", "--data-dir", file.join("below").to_str().unwrap()]);
    assert_eq!(no_dir.status, 1, "{no_dir:?}");
    let no_dir = other.run(&["serve", "--data-dir", file.to_str().unwrap()]);
    assert!(no_dir.status == 1 && no_dir.err.contains("is not a directory; choose another"), "{no_dir:?}");
}

#[tokio::test]
async fn verbs_on_a_server_do_their_work_or_say_why_not() {
    let serving = Serving::start(
        "[tiers.free]\nrequests_per_hour = 3\nupgrade_url = \"https://a.example/up\"\n[tiers.basic]\nupgrade_url = \"https://a.example/up\"\n",
    );
    let (user, admin) = (serving.key("ann", &[]), serving.key("root", &["--admin"]));
    let other = serving.key("bob", &[]);
    let place = Place::new();
    let ask = |key: &str, arguments: &[&str]| {
        place.run_in(&[("DIAGRAMD_URL", &serving.url), ("DIAGRAMD_KEY", key)], arguments)
    };
    let made = ask(&user, &["generate", "A -> B", "-o", "a.mmd"]);
    assert_eq!((made.status, made.out.as_str()), (0, ""), "{made:?}");
    let id = made.err.split("accepted as ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    assert!(std::fs::read_to_string(place.path("a.mmd")).unwrap().contains("flowchart"));
    let text = ask(&user, &["generate", "A -> B", "-t", "graphviz"]);
    assert!(text.status == 0 && text.out.contains("digraph"), "{text:?}");

    for (key, arguments) in [
        (&user, &["status", &id][..]),
        (&user, &["usage"]),
        (&admin, &["queue"]),
        (&admin, &["stats"]),
        (&admin, &["stats", "--group-by", "user"]),
    ] {
        let table = ask(key, arguments);
        assert_eq!((table.status, table.err.as_str()), (0, ""), "{arguments:?}: {table:?}");
        let json = ask(key, &[arguments, &["--json"]].concat());
        serde_json::from_str::<serde_json::Value>(&json.out).unwrap();
    }
    let status = ask(&user, &["status", &id]).out;
    assert!(status.contains("completed") && status.contains("flowchart"), "{status}");

    let mut told = String::new();
    let limit = ask(&user, &["generate", "A -> B"]);
    assert_eq!(limit.status, 0, "the third of three");
    for (name, key, arguments) in [
        ("limit", &user, &["generate", "A -> B"][..]),
        ("ended", &user, &["cancel", &id]),
        ("another user's", &other, &["status", &id]),
        ("no admin", &user, &["queue"]),
        ("no admin", &user, &["stats"]),
        ("bad group", &admin, &["stats", "--group-by", "colour"]),
        ("bad key", &"dgd_wrong".to_owned(), &["usage"]),
        ("no key", &String::new(), &["usage"]),
    ] {
        let ran = ask(key, arguments);
        assert_eq!((ran.status, ran.out.as_str()), (1, ""), "{arguments:?}: {ran:?}");
        let err = redacted(&ran.err.replace(&id, "REQ"));
        told.push_str(&format!("$ diagramd {} ({name})\n{err}\n", arguments.join(" ").replace(&id, "REQ")));
    }
    insta::assert_snapshot!("refusals", told);
}

/// Times and waits are not the same twice.
fn redacted(text: &str) -> String {
    let words = text.split_inclusive([' ', '\n']).map(|word| {
        let bare = word.trim_end();
        let is_time = bare.len() > 20 && bare.starts_with("20") && bare.contains('T');
        if is_time || (!bare.is_empty() && bare.bytes().all(|byte| byte.is_ascii_digit())) {
            word.replace(bare, "N")
        } else {
            word.to_owned()
        }
    });
    words.collect()
}

#[test]
fn whoever_has_read_enough_ends_a_verb_quietly() {
    use std::io::Read;
    let place = Place::new();
    let mut child = crate::binary::command(place.0.path())
        .args(["config", "default"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Closed before anything is written, or after the pipe's buffer is full: never a panic.
    drop(child.stdout.take());
    let mut err = String::new();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    assert_eq!((child.wait().unwrap().code(), err.as_str()), (Some(0), ""));
}

#[test]
fn a_password_is_read_from_standard_input() {
    use std::io::Write;
    let place = Place::new();
    assert_eq!(key(&place, &["--user", "ann"]).status, 0);
    for (text, status) in [("correct horse battery\nmore\n", 0), ("short\n", 1), ("", 1)] {
        let mut child = crate::binary::command(place.0.path())
            .args(["user", "set-password", "ann"])
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(status), "{text:?}");
        let told = [output.stdout, output.stderr].concat();
        assert!(!String::from_utf8(told).unwrap().contains("horse"));
    }
    assert!(place.run(&["user", "list", "--json"]).out.contains("\"hasPassword\": true"));
}

#[test]
fn the_data_directory_and_its_secret_are_their_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let serving = Serving::start("");
    let mode = |name: &str| {
        let path = serving.dir.path().join(name);
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    };
    assert_eq!((mode("data"), mode("data/secret")), (0o700, 0o600));
    let place = Place::new();
    assert_eq!(place.run(&["key", "list", "--data-dir", "new"]).status, 0);
    let made = std::fs::metadata(place.path("new")).unwrap().permissions().mode();
    assert_eq!(made & 0o777, 0o700, "also when another verb makes it");
}

#[tokio::test]
async fn a_running_server_notices_what_verbs_change() {
    let serving = Serving::start("");
    let (ann, bob) = (serving.key("ann", &[]), serving.key("bob", &[]));
    let refused = async |key: &str| {
        let notice = async { while answer(serving.get(key, "/api/diagram/usage")).await.0 != 401 {} };
        let noticed = tokio::time::timeout(std::time::Duration::from_secs(10), notice).await;
        assert!(noticed.is_ok(), "it goes on taking a key that was taken away");
    };
    for key in [&ann, &bob] {
        assert_eq!(answer(serving.get(key, "/api/diagram/usage")).await.0, 200);
    }
    let run = |arguments: &[&str]| {
        let output =
            crate::binary::command(serving.dir.path()).args(arguments).args(["--data-dir", "data"]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let keys: Vec<serde_json::Value> = serde_json::from_str(&run(&["key", "list", "--json"])).unwrap();
    let id = keys.iter().find(|key| key["user"] == "ann").unwrap()["id"].as_str().unwrap();
    run(&["key", "revoke", id]);
    refused(&ann).await;
    run(&["user", "disable", "bob"]);
    refused(&bob).await;
    let again = serving.key("ann", &[]);
    assert_eq!(answer(serving.get(&again, "/api/diagram/usage")).await.0, 200, "another key of hers is good");
}
