//! Invoices: `diagramd invoice` and both paths, held to usage, statistics and exports; and that those
//! of a closed month stay as they are.

use std::path::Path;

use diagramd::domain::invoice::Month;
use diagramd::domain::time::DAY_MS;
use diagramd::domain::{Money, Timestamp};
use rusqlite::Connection;
use serde_json::{Value, json};

use crate::manual::{Shell, blocks};
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};
use crate::verb;

const PAGE: &str = include_str!("../../docs/tiers-and-pricing.md");

/// Prices that leave every digit after the point to be lost.
fn config(upstream: &Upstream, pro: &str) -> String {
    format!(
        "[[upstreams]]\nname = \"main\"\nkind = \"anthropic\"\nbase_url = \"{}\"\napi_key = \"{}\"\n\
         price = {{ input = 1.000001, output = 3.333333, cache_read = 0.1, cache_write = 1.25 }}\n\
         [tiers.pro]\nprice_usd_month = {pro}\n[tiers.basic]\nprice_usd_month = 9.5\n[queue]\nmax_attempts = 1\n",
        upstream.url(),
        upstream.key()
    )
}

/// What a verb prints on the data directory of `folder`.
fn printed(folder: &Path, arguments: &[&str]) -> String {
    let (status, out, err) = verb::run(folder, &[arguments, &["--data-dir", "data"]].concat(), "");
    assert_eq!((status, err.as_str()), (0, ""), "{arguments:?}");
    String::from_utf8(out).unwrap()
}

fn read(folder: &Path, arguments: &[&str]) -> Value {
    serde_json::from_str(&printed(folder, arguments)).unwrap()
}

fn this_month() -> Month {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    Month::of(Timestamp(i64::try_from(since.as_millis()).unwrap()))
}

fn database(folder: &Path) -> Connection {
    Connection::open(folder.join("data/diagramd.db")).unwrap()
}

fn money(value: &Value) -> i64 {
    Money::parse_dollars(value.as_str().unwrap()).unwrap().0
}

/// The prices that the server writes down when it has started.
async fn priced(server: &Server, tier: &str, price: &str) {
    let price = Money::parse_dollars(price).unwrap();
    let known = "SELECT count(*) FROM tier_price AS one WHERE tier = ?1 AND price = ?2
                 AND at = (SELECT max(at) FROM tier_price WHERE tier = ?1)";
    let database = database(server.dir.path());
    while database.query_row(known, (tier, price.0), |row| row.get::<_, u32>(0)).unwrap() == 0 {
        server.get("", "/healthz").await;
    }
}

/// The columns of a table, summed.
fn column(table: &str, name: &str) -> i64 {
    let mut lines = table.split_terminator("\r\n");
    let place = lines.next().unwrap().split(',').position(|column| column == name).unwrap();
    let cell = |line: &str| line.split(',').nth(place).unwrap().to_owned();
    let number = |cell: &str| match cell {
        "" => 0,
        cell if cell.contains('.') => Money::parse_dollars(cell).unwrap().0,
        cell => cell.parse().unwrap(),
    };
    lines.map(|line| number(&cell(line))).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_sum_of_all_invoices_is_what_usage_statistics_and_exports_say() {
    let upstream = Upstream::anthropic().start().await;
    let server = Server::start(&config(&upstream, "29.99"));
    let (ann, bob) = (server.key("ann", "pro", &[]), server.key("bob", "basic", &[]));
    let admin = server.key("root", "free", &["--admin"]);
    let submit = async |key: &str, prompt: &str| {
        let body = json!({ "prompt": prompt, "diagramType": "graphviz" });
        let (_, accepted) = server.post(key, body).await;
        server.ended(key, accepted["requestId"].as_str().unwrap()).await
    };
    upstream.push(Behaviour::status(400));
    assert_eq!(submit(&ann, "what the upstream refuses").await["status"], "failed");
    upstream.always(Behaviour::answer("```dot\ndigraph { a -> b }\n```\n"));
    for n in 0..5 {
        submit(&ann, &format!("step {n}")).await;
        submit(&bob, &format!("part {n}")).await;
    }
    // The cache has it.
    submit(&ann, "step 1").await;
    priced(&server, "pro", "29.99").await;

    let (folder, month) = (server.dir.path(), this_month().name());
    let invoices = read(folder, &["invoice", "--month", &month]);
    let totals = &invoices["totals"];
    let exported = read(folder, &["export", "usage", "--group-by", "month", "--format", "json"]);
    let (_, stats) = server.get(&admin, "/api/diagram/stats").await;
    assert_eq!(totals["requests"]["accepted"], stats["totals"]["submitted"]);
    assert_eq!(totals["costUsd"], stats["totals"]["costUsd"]);
    assert_ne!(totals["costUsd"], "0.000000000");
    assert_eq!(totals["cache"]["savedUsd"], stats["totals"]["savedUsd"]);
    assert_eq!(totals["cache"]["hits"], stats["totals"]["cacheHits"]);
    for name in ["inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"] {
        assert_eq!(totals["tokens"][name], exported["totals"][name], "{name}");
    }
    assert_eq!(totals["costUsd"], exported["totals"]["costUsd"]);

    let rows = invoices["invoices"].as_array().unwrap();
    assert_eq!(rows.iter().map(|row| &row["user"]).collect::<Vec<_>>(), ["ann", "bob"], "{invoices}");
    for row in rows {
        assert_eq!(row["status"], "open");
        assert_eq!(row["assumed"], false);
        let lines: i64 = row["lines"].as_array().unwrap().iter().map(|line| money(&line["amountUsd"])).sum();
        assert_eq!(lines, money(&row["totalUsd"]));
        let models = row["models"].as_array().unwrap();
        assert_eq!(models.iter().map(|of| money(&of["costUsd"])).sum::<i64>(), money(&row["costUsd"]));
        assert!(models.iter().all(|of| of["model"].is_string()), "{row}");
        let margin = Money(lines - money(&row["costUsd"]));
        assert_eq!(row["marginUsd"], margin.to_string());
    }
    assert_eq!(rows[0]["requests"], json!({ "accepted": 7, "returned": 1 }), "{}", rows[0]);
    assert_eq!(rows[0]["lines"][0]["priceUsdMonth"], "29.990000000");

    // By HTTP it is the same; to its user without a word of what it costs the operator.
    let (_, listed) = server.get(&admin, &format!("/api/admin/invoices?month={month}")).await;
    assert_eq!((&listed["invoices"], &listed["next"]), (&invoices["invoices"], &Value::Null));
    let (_, own) = server.get(&ann, &format!("/api/diagram/usage/invoice?month={month}")).await;
    let shown = read(folder, &["invoice", "--month", &month, "--user", "ann", "--customer"]);
    assert_eq!(own, shown["invoices"][0]);
    assert_eq!((&own["totalUsd"], &own["tokens"]), (&rows[0]["totalUsd"], &rows[0]["tokens"]));
    for word in ["cost", "margin", "saved"] {
        assert!(!own.to_string().contains(word) && !shown.to_string().contains(word), "{own}");
    }
    assert_eq!(server.get(&ann, "/api/admin/invoices").await.0, 403);
    assert_eq!(server.get(&admin, "/api/admin/invoices?user=nobody").await.0, 404);
    for bad in ["month=2026-13", "month=2999-01", "format=xml", "cursor=x", "limit=0"] {
        assert_eq!(server.get(&admin, &format!("/api/admin/invoices?{bad}")).await.0, 422, "{bad}");
    }

    // As a table: each figure stands in it once.
    let table = printed(folder, &["invoice", "--month", &month, "--format", "csv"]);
    assert_eq!(column(&table, "costUsd"), money(&totals["costUsd"]));
    assert_eq!(column(&table, "amountUsd"), money(&totals["totalUsd"]));
    assert_eq!(json!(column(&table, "accepted")), totals["requests"]["accepted"]);
    assert_eq!(json!(column(&table, "outputTokens")), totals["tokens"]["outputTokens"]);
    let by_http = |query: &str, accept: &str| {
        let call = server.client.get(format!("{}/api/admin/invoices?month={month}{query}", server.url));
        call.header("x-api-key", &admin).header("accept", accept).send()
    };
    for (query, accept) in [("&format=csv", "*/*"), ("", "text/csv")] {
        let answer = by_http(query, accept).await.unwrap();
        assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
        assert_eq!(answer.text().await.unwrap(), table);
    }
    // Page by page it is the same table.
    let first = by_http("&format=csv&limit=1", "*/*").await.unwrap();
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    let next = link.strip_prefix('<').unwrap().split('>').next().unwrap().to_owned();
    let mut pages = first.text().await.unwrap();
    let call = server.client.get(format!("{}{next}", server.url)).header("x-api-key", &admin);
    let second = call.send().await.unwrap().text().await.unwrap();
    pages.push_str(second.split_once("\r\n").unwrap().1);
    assert_eq!(pages, table);
}

/// A closed month of the past: two users, of whom one changed the tier on the 11th.
fn write_past(folder: &Path, month: Month) {
    let (from, before) = (month.from.0, month.from.0 - 40 * DAY_MS);
    database(folder)
        .execute_batch(&format!(
            "BEGIN IMMEDIATE;
             UPDATE setting SET value = {before} WHERE name = 'books_since';
             UPDATE user SET created_at = {before};
             DELETE FROM tier_change;
             INSERT INTO tier_change (user_id, at, tier) SELECT id, {before}, tier FROM user;
             INSERT INTO tier_change (user_id, at, tier)
             SELECT id, {from} + 10 * {DAY_MS} + 5, 'basic' FROM user WHERE name = 'ann';
             INSERT INTO tier_change (user_id, at, tier)
             SELECT id, {from} + 60 * {DAY_MS}, 'pro' FROM user WHERE name = 'ann';
             UPDATE tier_price SET at = {before};
             INSERT INTO usage_window (user_id, kind, start, input, output, cost, hits, saved)
             SELECT id, 2, {from}, 1000 * id, 200 * id, 12345 * id, id, 77 * id FROM user;
             INSERT INTO month_model (user_id, month, model, input, output, cost)
             SELECT id, {from}, 'm', 900 * id, 200 * id, 12000 * id FROM user;
             INSERT INTO month_requests (user_id, month, accepted, returned) SELECT id, {from}, 7, 1 FROM user;
             INSERT INTO job (id, user_id, tier, state, diagram_type, max_tokens, estimated_input, reserved,
                              cost, created_at, ended_at)
             SELECT randomblob(16), id, 'pro', 2, 'mermaid', 1, 1, 0, 12345 * id, {from}, {from} + 5 FROM user;
             COMMIT;"
        ))
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invoice_of_a_closed_month_stays_as_it_is_whatever_comes() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::answer("```dot\ndigraph { a -> b }\n```\n"));
    let keep = "[retention]\nfinished = \"3650d\"\n";
    let server = Server::start(&format!("{}{keep}", config(&upstream, "29.99")));
    let (ann, _) = (server.key("ann", "pro", &[]), server.key("bob", "free", &[]));
    priced(&server, "pro", "29.99").await;
    // The month before the last: it is closed, also in the first hour of a month.
    let month = this_month().before().before();
    write_past(server.dir.path(), month);
    let arguments = ["invoice", "--month", &month.name()];
    let closed = printed(server.dir.path(), &arguments);
    let told: Value = serde_json::from_str(&closed).unwrap();
    let of_ann = &told["invoices"][0];
    let days = (month.to.0 - month.from.0) / DAY_MS;
    // Pro until the 11th, which counts for it, then basic.
    let lines: Vec<(&str, i64)> = of_ann["lines"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (line["tier"].as_str().unwrap(), line["days"].as_i64().unwrap()))
        .collect();
    assert_eq!(lines, [("basic", days - 11), ("pro", 11)], "{of_ann}");
    assert_eq!((&of_ann["status"], &of_ann["assumed"]), (&json!("closed"), &json!(false)));
    // What was used before models were written down is told without a name, and is in the sums.
    assert_eq!(of_ann["models"][1]["model"], Value::Null);
    assert_eq!(of_ann["models"][1]["inputTokens"], 100);
    assert_eq!((&of_ann["costUsd"], &of_ann["tokens"]["inputTokens"]), (&json!("0.000012345"), &json!(1000)));
    let bounds = [month.from.to_string(), month.to.to_string()];
    let export = || {
        let arguments = ["export", "usage", "--group-by", "month", "--format", "json", "--from"];
        read(server.dir.path(), &[&arguments[..], &[&bounds[0], "--to", &bounds[1]]].concat())
    };
    assert_eq!(told["totals"]["costUsd"], export()["totals"]["costUsd"]);

    // Another tier, another price, a user who is disabled, more requests, and a kill.
    server.run(&["user", "set-tier", "ann", "enterprise"]);
    server.run(&["user", "disable", "bob"]);
    let (_, accepted) = server.post(&ann, json!({ "prompt": "a then b", "diagramType": "graphviz" })).await;
    server.ended(&ann, accepted["requestId"].as_str().unwrap()).await;
    let dir = server.kill();
    // And all requests of then are gone.
    let short = "[retention]\nfinished = \"20d\"\n";
    std::fs::write(dir.path().join("config.toml"), format!("{}{short}", config(&upstream, "49"))).unwrap();
    let server = Server::on(dir);
    priced(&server, "pro", "49").await;
    let jobs = format!("SELECT count(*) FROM job WHERE created_at < {}", month.to.0);
    while database(server.dir.path()).query_row(&jobs, [], |row| row.get::<_, u32>(0)).unwrap() > 0 {
        server.get("", "/healthz").await;
    }
    assert_eq!(printed(server.dir.path(), &arguments), closed);
    let dir = server.terminate().await;
    assert_eq!(printed(dir.path(), &arguments), closed, "also without a server");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_of_the_page_do_what_the_page_says() {
    let server = Server::start(
        "[[upstreams]]\nname = \"main\"\nkind = \"offline\"\n[tiers.pro]\nprice_usd_month = 29.0\n",
    );
    let key = server.key("ann", "pro", &[]);
    let (_, accepted) = server.post(&key, json!({ "prompt": "a then b", "diagramType": "graphviz" })).await;
    server.ended(&key, accepted["requestId"].as_str().unwrap()).await;
    priced(&server, "pro", "29").await;
    let shell = Shell::new(server.dir.path());
    let all: String = blocks(PAGE, "Invoices").iter().map(|block| shell.run(block)).collect();
    assert!(all.contains("\"user\":\"ann\"") && all.contains("29.000000000"), "{all}");
    let table = std::fs::read_to_string(server.dir.path().join("invoices.csv")).unwrap();
    assert!(table.starts_with("number,month,status,user,item,"), "{table}");
    let (status, _, err) =
        verb::run(server.dir.path(), &["invoice", "--data-dir", "data", "--user", "eve"], "");
    assert!(status == 1 && err.contains("there is no user \"eve\""), "{err}");
    let (status, _, err) = verb::run(server.dir.path(), &["invoice", "--month", "october"], "");
    assert!(status == 2 && err.contains("expected a month such as 2026-10"), "{err}");
}
