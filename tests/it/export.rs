//! `diagramd export usage` beside a running server: its sums are those of usage and statistics.

use diagramd::domain::time::DAY_MS;
use diagramd::domain::{Money, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};
use crate::verb;

/// Prices that leave every digit after the point to be lost.
fn config(upstream: &Upstream) -> String {
    format!(
        "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\n\
         price = {{ input = 1.000001, output = 3.333333, cache_read = 0.1, cache_write = 1.25 }}\n",
        upstream.url(),
        upstream.key()
    )
}

fn export(server: &Server, arguments: &[&str]) -> String {
    let all = [&["export", "usage", "--data-dir", "data"], arguments].concat();
    let (status, out, err) = verb::run(server.dir.path(), &all, "");
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    String::from_utf8(out).unwrap()
}

fn json(server: &Server, arguments: &[&str]) -> Value {
    serde_json::from_str(&export(server, &[arguments, &["--format", "json"]].concat())).unwrap()
}

/// What the model saw, as the API's sums have it.
fn input(row: &Value) -> u64 {
    ["inputTokens", "cacheReadTokens", "cacheWriteTokens"]
        .map(|name| row[name].as_u64().unwrap())
        .iter()
        .sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_agrees_with_usage_and_statistics_to_the_last_nano_dollar() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::answer("```dot\ndigraph { a -> b }\n```\n"));
    let server = Server::start(&config(&upstream));
    let (ann, bob) = (server.key("ann", "pro", &[]), server.key("=bob,\"b\"", "free", &[]));
    for (key, count) in [(&ann, 5), (&bob, 2)] {
        for n in 0..count {
            let body = json!({ "prompt": format!("step {n}"), "diagramType": "graphviz" });
            let (_, accepted) = server.post(key, body).await;
            server.ended(key, accepted["requestId"].as_str().unwrap()).await;
        }
    }
    // The same again: the cache has it.
    server.post(&ann, json!({ "prompt": "step 1", "diagramType": "graphviz" })).await;

    let users = json(&server, &[]);
    assert_eq!(users["groupBy"], "user");
    for (key, name) in [(&ann, "ann"), (&bob, "=bob,\"b\"")] {
        let (_, usage) = server.get(key, "/api/diagram/usage").await;
        let row = users["rows"].as_array().unwrap().iter().find(|row| row["user"] == name).unwrap();
        assert_eq!(row["costUsd"], usage["cost"]["monthUsd"]);
        assert_eq!(row["outputTokens"], usage["tokens"]["month"]["output"]);
        assert_eq!(input(row), usage["tokens"]["month"]["input"].as_u64().unwrap());
        assert_eq!(
            (&row["cacheHits"], &row["savedUsd"]),
            (&usage["cache"]["hits"], &usage["cache"]["savedUsd"])
        );
    }
    let admin = server.key("root", "free", &["--admin"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats").await;
    let requests = json(&server, &["--group-by", "request"]);
    assert_eq!(requests["totals"]["rows"], stats["totals"]["submitted"]);
    for sums in [&requests["totals"], &users["totals"]] {
        assert_ne!(sums["costUsd"], "0.000000000");
        assert_eq!(sums["costUsd"], stats["totals"]["costUsd"]);
        assert_eq!(sums["savedUsd"], stats["totals"]["savedUsd"]);
        assert_eq!(sums["outputTokens"], stats["totals"]["outputTokens"]);
        assert_eq!(input(sums), stats["totals"]["inputTokens"].as_u64().unwrap());
    }
    assert_eq!(
        json(&server, &["--group-by", "day"])["totals"],
        json(&server, &["--group-by", "month"])["totals"]
    );

    // A table for a spreadsheet: no cell of it is a formula, and the sum is the same.
    let table = export(&server, &["--group-by", "user"]);
    let lines: Vec<&str> = table.split_terminator("\r\n").collect();
    assert_eq!(lines.len(), 3, "a header and the users that used something");
    assert!(
        lines[0].starts_with("user,tier,inputTokens") && lines[0].ends_with("costUsd,cacheHits,savedUsd")
    );
    assert!(lines[2].starts_with("\"'=bob,\"\"b\"\"\",free,"), "{table}");
    export(&server, &["--group-by", "request", "-o", "requests.csv"]);
    let requests = std::fs::read_to_string(server.dir.path().join("requests.csv")).unwrap();
    assert_eq!(requests.split_terminator("\r\n").count(), 9);
    assert!(!server.dir.path().join("requests.csv.partial").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_of_many_rows_has_each_of_them_once() {
    let server = Server::start("[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n");
    server.key("ann", "pro", &[]);
    // More than three pages of it, many with the same instant.
    let database = Connection::open(server.dir.path().join("data/diagramd.db")).unwrap();
    let month = now().month();
    database
        .execute_batch(&format!(
            "BEGIN IMMEDIATE;
             WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 3500)
             INSERT INTO job (id, user_id, tier, state, diagram_type, max_tokens, estimated_input, reserved,
                              cost, created_at, ended_at)
             SELECT randomblob(16), (SELECT id FROM user WHERE name = 'ann'), 'pro', 2, 'mermaid', 1, 1, 0, n,
                    {month} + n / 700, {month} + 10 FROM many;
             WITH RECURSIVE many (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM many WHERE n < 2500)
             INSERT INTO user (name, tier, created_at) SELECT 'user ' || n, 'free', 0 FROM many;
             INSERT INTO usage_window (user_id, kind, start, cost)
             SELECT user.id, kind, {month}, user.id FROM user CROSS JOIN (SELECT 1 AS kind UNION ALL SELECT 2)
             WHERE name LIKE 'user %';
             COMMIT;",
            month = month.0
        ))
        .unwrap();
    let requests = json(&server, &["--group-by", "request"]);
    let mut ids: Vec<&str> =
        requests["rows"].as_array().unwrap().iter().map(|row| row["requestId"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((ids.len(), &requests["totals"]["costUsd"]), (3500, &json!("0.006126750")));
    let sum = "SELECT sum(id) FROM user WHERE name LIKE 'user %'";
    let sum: i64 = database.query_row(sum, [], |row| row.get(0)).unwrap();
    // Two days: one user's sum is then of days, not of the month.
    let (first, third) = (month.to_string(), month.moved(2 * DAY_MS).to_string());
    for arguments in [
        &["--group-by", "user"][..],
        &["--group-by", "user", "--from", &first, "--to", &third],
        &["--group-by", "day"],
        &["--group-by", "month"],
    ] {
        let used = json(&server, arguments);
        assert_eq!(used["totals"]["rows"], 2500, "{arguments:?}");
        assert_eq!(used["totals"]["costUsd"], Money(sum).to_string(), "{arguments:?}");
    }
}

fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

#[test]
fn what_cannot_be_exported_is_said_in_a_sentence() {
    let folder = tempfile::TempDir::new().unwrap();
    let run = |arguments: &[&str]| {
        let all = [&["export", "usage", "--data-dir", "data"], arguments].concat();
        let (status, out, err) = verb::run(folder.path(), &all, "");
        assert!(out.is_empty() || arguments.is_empty());
        (status, err)
    };
    let (status, err) = run(&["--from", "2026-11-02", "--to", "2026-11-01"]);
    assert!(status == 2 && err.contains("the span is empty"), "{err}");
    let (status, err) = run(&["--from", "noon"]);
    assert!(status == 2 && err.contains("expected a day such as 2026-11-01"), "{err}");
    let (status, err) = run(&["-o", "sheet.csv"]);
    assert!(status == 1 && err.contains("there is no database at data/diagramd.db"), "{err}");
    assert!(!folder.path().join("sheet.csv").exists() && !folder.path().join("sheet.csv.partial").exists());
}
