//! `serve --dev`: ready keys, and drafting offline where no key of a model is set.

use std::time::Duration;

use serde_json::json;

use crate::binary::{Place, command};
use crate::serving::{Serving, answer};

/// The keys printed, by name, and everything printed.
fn printed(serving: &Serving) -> (Vec<(String, String)>, String) {
    let mut text = String::new();
    while !text.contains("Listening on") {
        let line = serving.printed.recv_timeout(Duration::from_secs(30)).unwrap();
        text.push_str(&format!("{line}\n"));
    }
    let keys = text.lines().filter_map(|line| line.trim().split_once(' '));
    let keys = keys.filter(|(_, key)| key.trim().starts_with("dgd_"));
    (keys.map(|(name, key)| (name.to_owned(), key.trim().to_owned())).collect(), text)
}

#[tokio::test]
async fn it_prints_one_ready_key_per_tier_and_the_address() {
    let serving = Serving::start_with("", &["--dev"], &[]);
    let (keys, text) = printed(&serving);
    let names: Vec<&str> = keys.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["free", "basic", "pro", "enterprise", "admin"]);
    assert!(text.contains(&format!("Listening on {}", serving.url)), "{text}");
    for (name, key) in &keys {
        let (status, usage) = answer(serving.get(key, "/api/diagram/usage")).await;
        assert_eq!(status, 200, "{name}");
        assert!(name == "admin" || usage["tier"] == name.as_str(), "{name}: {usage}");
        let is_admin = answer(serving.get(key, "/api/diagram/stats")).await.0 == 200;
        assert_eq!(is_admin, name == "admin", "{name}");
    }
    let submit = serving.submit(&keys[3].1, json!({ "prompt": "A -> B" })).header("prefer", "wait=30");
    assert_eq!(answer(submit).await.1["status"], "completed");
    serving.signal("TERM");
    let logged = serving.logs_until("stopped").join("\n");
    assert!(!logged.contains("dgd_"), "keys are never logged");
}

#[tokio::test]
async fn a_server_for_others_takes_none_of_the_keys_and_offers_the_first_admin() {
    let place = Place::new();
    let lines = |arguments: &[&str]| {
        let mut child = command(place.0.path())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
        let found = lines.map(Result::unwrap).find(|line| line.contains("#link=")).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        found
    };
    lines(&["--dev"]);
    assert_eq!(place.run(&["key", "create", "--user", "ann"]).status, 0);
    lines(&[]);
    let keys: Vec<serde_json::Value> =
        serde_json::from_str(&place.run(&["key", "list", "--json"]).out).unwrap();
    assert_eq!(keys.len(), 6);
    for key in keys {
        assert_eq!(key["revokedAt"].is_null(), key["user"] == "ann", "{key}");
    }
}

#[test]
fn the_line_to_try_fits_a_socket() {
    let place = Place::new();
    let mut child = command(place.0.path())
        .args(["serve", "--dev", "--listen", "unix:s"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let line = lines.map(Result::unwrap).find(|line| line.contains("curl")).unwrap();
    assert!(line.contains("curl -s --unix-socket s http://localhost/api/diagram/generate"), "{line}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[tokio::test]
async fn upstreams_without_their_key_are_left_out() {
    let keyless = "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\n";
    let own = "[[upstreams]]\nname = \"own\"\nkind = \"openai\"\nmodel = \"m\"\nbase_url = \"http://127.0.0.1:9\"\n";
    let key = [("ANTHROPIC_API_KEY", "sk-x")];
    for (config, environment, wanted) in [
        (String::new(), &[][..], &["offline"][..]),
        (keyless.to_owned(), &[], &["offline"]),
        (keyless.to_owned(), &key, &["main"]),
        (format!("{keyless}{own}"), &[], &["own"]),
    ] {
        let serving = Serving::start_with(&config, &["--dev"], environment);
        let admin = printed(&serving).0[4].1.clone();
        let (_, queue) = answer(serving.get(&admin, "/api/diagram/queue/status")).await;
        let names: Vec<&str> = queue["upstreams"]
            .as_array()
            .unwrap()
            .iter()
            .map(|lane| lane["name"].as_str().unwrap())
            .collect();
        assert_eq!(names, wanted, "{config}");
        let logged = serving.reload(&format!("{config}[tiers.free]\nrequests_per_hour = 9\n")).join("\n");
        assert!(!logged.contains("takes a restart"), "{logged}");
    }
}
