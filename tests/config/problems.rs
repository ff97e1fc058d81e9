//! Every problem that can be provoked, as its caller reads it.

use serde_json::{Value, json};

use crate::serving::{Serving, answer};
use crate::upstream::{Behaviour, Gate, Upstream};

/// Gathers problems for one snapshot.
#[derive(Default)]
struct Told(String);

impl Told {
    /// Sends the call and writes down what came: status, the headers that matter, the body.
    async fn add(&mut self, what: &str, call: reqwest::RequestBuilder) -> Value {
        let response = call.send().await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        assert_eq!(headers["content-type"], "application/problem+json", "{what}");
        let mut body: Value = response.json().await.unwrap();
        assert_eq!(body["status"], status, "{what}");
        assert_eq!(body["traceId"].as_str().unwrap(), headers["x-request-id"].to_str().unwrap(), "{what}");
        assert_eq!(status == 429 || status == 503, headers.contains_key("retry-after"), "{what}: {body}");
        let whole = body.clone();
        body["traceId"] = json!("TRACE");
        if !body["limit"].is_null() {
            body["limit"]["resetsAt"] = json!("TIME");
        }
        body["detail"] = json!(redacted(body["detail"].as_str().unwrap()));
        let named = ["allow", "retry-after", "www-authenticate"].into_iter().filter_map(|name| {
            let value = headers.get(name)?.to_str().unwrap();
            let value = if name == "retry-after" { "SECONDS" } else { value };
            Some(format!("{name}: {value}\n"))
        });
        let named: String = named.collect();
        let body = serde_json::to_string_pretty(&body).unwrap();
        self.0.push_str(&format!("## {what}\n{named}{body}\n\n"));
        whole
    }
}

/// Without instants and durations, which are never the same twice.
fn redacted(detail: &str) -> String {
    let mut after_in = false;
    let words = detail.split(' ').map(|word| {
        let bare = word.trim_end_matches(['.', ';']);
        let is_time = bare.len() > 20 && bare.ends_with('Z') && bare.contains('T');
        let is_wait = after_in && bare.parse::<u64>().is_ok();
        after_in = word == "in";
        match (is_time, is_wait) {
            (true, _) => word.replace(bare, "TIME"),
            (_, true) => "SECONDS".to_owned(),
            _ => word.to_owned(),
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_wrong_with_a_call() {
    let serving = Serving::start(
        "[server]\nmax_body = \"1KiB\"\n[tiers.pro]\nmodels = [\"big\"]\nprice_usd_month = 20\nupgrade_url = \"https://a.example/up\"\n",
    );
    let key = serving.key("ann", &[]);
    let admin = serving.key("root", &["--admin"]);
    let (url, client) = (&serving.url, &serving.client);
    let post = || client.post(format!("{url}/api/diagram/generate")).header("x-api-key", &key);
    let json_body = |body: &'static str| post().header("content-type", "application/json").body(body);
    let mut told = Told::default();
    told.add("no key", client.get(format!("{url}/api/diagram/usage"))).await;
    told.add("a wrong key", serving.get("dgd_wrong", "/api/diagram/usage")).await;
    told.add("no admin", serving.get(&key, "/api/admin/users")).await;
    told.add("no such path", serving.get(&key, "/api/diagrams")).await;
    told.add(
        "no such request",
        serving.get(&key, "/api/diagram/status/req_00000000000000000000000000000000"),
    )
    .await;
    told.add("no such method", serving.get(&key, "/api/diagram/generate")).await;
    told.add("no WebSocket", serving.get(&key, "/ws")).await;
    told.add("no JSON type", post().body("prompt=x")).await;
    told.add("no JSON", json_body("{\"prompt\": draw}")).await;
    told.add("too large", post().json(&json!({ "prompt": "x".repeat(2000) }))).await;
    told.add("no prompt", json_body("{}")).await;
    told.add(
        "many faults",
        json_body("{\"prompt\":\" \",\"diagramType\":\"visio\",\"maxTokens\":0,\"colour\":\"red\",\"metadata\":[],\"deadlineSeconds\":-1}"),
    )
    .await;
    told.add("a model of another tier", json_body("{\"prompt\":\"x\",\"model\":\"big\"}")).await;
    told.add("a bad parameter", serving.get(&key, "/api/diagram/requests?limit=0")).await;
    told.add("an unknown parameter", serving.get(&key, "/api/diagram/requests?colour=red")).await;
    told.add("a bad time", serving.get(&admin, "/api/diagram/stats?from=yesterday")).await;
    told.add("a bad group", serving.get(&admin, "/api/diagram/stats?groupBy=colour")).await;
    told.add("no such user", serving.get(&admin, "/api/admin/users/nobody")).await;
    let (status, first) = answer(
        json_body("{\"prompt\":\"A -> B\"}").header("idempotency-key", "k").header("prefer", "wait=30"),
    )
    .await;
    assert_eq!((status, &first["status"]), (200, &json!("completed")), "{first}");
    let id = first["requestId"].as_str().unwrap();
    told.add(
        "a key used for another body",
        json_body("{\"prompt\":\"B -> C\"}").header("idempotency-key", "k"),
    )
    .await;
    let cancel = client.delete(format!("{url}/api/diagram/cancel/{id}")).header("x-api-key", &key);
    told.add("cancelled too late", cancel).await;
    let retry = client.post(format!("{url}/api/admin/requests/{id}/retry")).header("x-api-key", &admin);
    told.add("nothing to retry", retry).await;
    let token = |body: Value, key: &str| {
        client
            .post(format!("{url}/api/auth/token"))
            .header("authorization", format!("Bearer {key}"))
            .json(&body)
    };
    let (_, made) = answer(token(json!({}), &key)).await;
    told.add("a token made with a token", token(json!({}), made["token"].as_str().unwrap())).await;
    told.add("a token that lives too long", token(json!({ "ttlSeconds": 1_000_000_000 }), &key)).await;
    told.add(
        "no such base",
        json_body("{\"prompt\":\"x\",\"baseRequestId\":\"req_00000000000000000000000000000000\"}"),
    )
    .await;
    insta::assert_snapshot!("problems_of_calls", told.0);
}

#[tokio::test]
async fn what_limits_refuse() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    upstream.always(Behaviour::default().hold(&gate));
    let serving = Serving::start(&format!(
        "[queue]\nmax_queued = 4\n[[upstreams]]\nbase_url = \"{}\"\napi_key = \"{}\"\nmax_concurrent = 1\n[tiers.free]\nmax_queued = 1\n[tiers.basic]\nrequests_per_hour = 1\nrequests_per_day = 5\n[tiers.pro]\nrequests_per_day = 1\nprice_usd_month = 20\nupgrade_url = \"https://a.example/up\"\n[tiers.enterprise]\nmonthly_budget_usd = 0.000001\n",
        upstream.url(),
        upstream.key()
    ));
    let submit = |key: &str| serving.submit(key, json!({ "prompt": "draw" }));
    let key = |user: &str, tier: &str| serving.key(user, &["--tier", tier]);
    let mut told = Told::default();
    let ann = key("ann", "free");
    assert_eq!(answer(submit(&ann)).await.0, 202);
    upstream.ledger().wait_for_calls(1).await;
    assert_eq!(answer(submit(&ann)).await.0, 202);
    told.add("the user's own backlog", submit(&ann)).await;
    let (bob, cid, dee) = (key("bob", "basic"), key("cid", "pro"), key("dee", "enterprise"));
    assert_eq!(answer(submit(&bob)).await.0, 202);
    told.add("the hour's requests", submit(&bob)).await;
    assert_eq!(answer(submit(&cid)).await.0, 202);
    told.add("the day's requests", submit(&cid)).await;
    told.add("the month's budget", submit(&dee)).await;
    assert_eq!(answer(submit(&key("eve", "free"))).await.0, 202);
    let full = told.add("the server's queue", submit(&key("fay", "free"))).await;
    assert_eq!(full["limit"]["scope"], "server");
    insta::assert_snapshot!("problems_of_limits", told.0);
    gate.open();
}

#[tokio::test]
async fn what_a_busy_or_stopping_server_refuses() {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::silent());
    let serving = Serving::start(&format!(
        "[server]\napi_requests_per_minute = 2\nanonymous_requests_per_minute = 1\n[[upstreams]]\nbase_url = \"{}\"\napi_key = \"{}\"\n",
        upstream.url(),
        upstream.key()
    ));
    let (ann, bob) = (serving.key("ann", &[]), serving.key("bob", &[]));
    let submit = |key: &str| serving.submit(key, json!({ "prompt": "draw" }));
    assert_eq!([answer(submit(&ann)).await.0, answer(submit(&ann)).await.0], [202, 202]);
    let mut told = Told::default();
    told.add("a caller's calls a minute", submit(&ann)).await;
    let anonymous = || serving.client.get(format!("{}/api/diagram/usage", serving.url));
    assert_eq!(answer(anonymous()).await.0, 401);
    told.add("an address's calls a minute", anonymous()).await;
    upstream.ledger().wait_for_calls(1).await;
    serving.signal("TERM");
    serving.wait_for_log("stopping");
    told.add("a stopping server", submit(&bob)).await;
    told.add("a stopping server's readiness", serving.get(&bob, "/readyz")).await;
    insta::assert_snapshot!("problems_of_the_server", told.0);
}
