//! Ends told to users' applications: each once and signed, again until it is taken, never to an
//! address that is not allowed, and whatever happens to the server meanwhile.

use serde_json::{Value, json};

use crate::flow::config;
use crate::receiver::{Message, Receiver, Reply};
use crate::server::Server;
use crate::upstream::{Behaviour, Gate, Upstream};

/// The receivers of these tests are on this machine.
const ALLOWED: &str = "[webhooks]\nallow_private_addresses = true\n";

/// A server whose lane drafts offline.
fn offline(webhooks: &str) -> Server {
    Server::start(&format!(
        "[[upstreams]]\nname = \"offline\"\nkind = \"offline\"\n[server]\napi_requests_per_minute = 0\n{ALLOWED}{webhooks}"
    ))
}

pub async fn put(server: &Server, key: &str, url: &str) -> (u16, Value) {
    let call = server.client.put(format!("{}/api/webhooks", server.url)).header("x-api-key", key);
    let answer = call.json(&json!({ "url": url })).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// Sets the address, and returns the secret.
async fn told_at(server: &Server, key: &str, receiver: &Receiver) -> String {
    let (status, webhook) = put(server, key, &receiver.url).await;
    assert_eq!((status, &webhook["url"]), (200, &json!(receiver.url)), "{webhook}");
    webhook["secret"].as_str().expect("the secret is shown with the first address").to_owned()
}

async fn submitted(server: &Server, key: &str, body: Value) -> String {
    let (status, accepted) = server.post(key, body).await;
    assert_eq!(status, 202, "{accepted}");
    accepted["requestId"].as_str().unwrap().to_owned()
}

/// The delivery once it has ended, or has been tried so often.
pub async fn delivery(server: &Server, key: &str, id: &str, attempts: u64) -> Value {
    let begin = std::time::Instant::now();
    loop {
        assert!(begin.elapsed() < std::time::Duration::from_secs(60), "{id} is not tried {attempts} times");
        let (status, delivery) = server.get(key, &format!("/api/webhooks/deliveries/{id}")).await;
        assert_eq!(status, 200, "{delivery}");
        if delivery["attempts"].as_u64().unwrap() >= attempts {
            return delivery;
        }
        tokio::task::yield_now().await;
    }
}

fn tells(message: &Message, kind: &str, status: &Value) {
    assert_eq!(message.body["type"], kind);
    assert_eq!(&message.body["data"], status);
    assert_eq!(message.body["timestamp"], status["completedAt"]);
}

#[tokio::test]
async fn every_way_to_end_is_told_once_with_the_status_object_and_a_good_signature() {
    let upstream = Upstream::anthropic().start().await;
    let gate = Gate::closed();
    let server = Server::start(&config(&upstream, &format!("[cache]\nenabled = true\n{ALLOWED}")));
    let key = server.key("ann", "pro", &[]);
    let mut receiver = Receiver::start(&[]).await;
    let secret = told_at(&server, &key, &receiver).await;

    let id = submitted(&server, &key, json!({"prompt": "draw", "metadata": {"n": 1}})).await;
    let ended = server.ended(&key, &id).await;
    let first = receiver.next().await;
    tells(&first, "diagram.completed", &ended);
    assert!(first.id.starts_with("msg_") && first.signed_by(&secret) == 1, "{first:?}");

    let (status, hit) = server.post(&key, json!({"prompt": "draw"})).await;
    assert_eq!((status, &hit["cached"]), (200, &json!(true)));
    let second = receiver.next().await;
    tells(&second, "diagram.completed", &hit);
    assert_ne!(second.id, first.id);

    upstream.push(Behaviour::status(400));
    let id = submitted(&server, &key, json!({"prompt": "fails"})).await;
    let ended = server.ended(&key, &id).await;
    tells(&receiver.next().await, "diagram.failed", &ended);

    upstream.push(Behaviour::default().hold(&gate));
    let id = submitted(&server, &key, json!({"prompt": "is cancelled"})).await;
    assert_eq!(server.delete(&key, &format!("/api/diagram/cancel/{id}")).await.0, 200);
    let message = receiver.next().await;
    assert_eq!(
        (&message.body["type"], &message.body["data"]["requestId"]),
        (&json!("diagram.cancelled"), &json!(id))
    );
    assert_eq!(message.body["data"]["status"], "cancelled");

    let admin = server.key("root", "pro", &["--admin"]);
    server.post_to(&admin, "/api/admin/queue/pause", json!({})).await;
    let id = submitted(&server, &key, json!({"prompt": "is late", "deadlineSeconds": 1})).await;
    let ended = server.ended(&key, &id).await;
    let message = receiver.next().await;
    tells(&message, "diagram.expired", &ended);
    assert_eq!(message.signed_by(&secret), 1);

    delivery(&server, &key, &message.id, 1).await;
    let (_, listed) = server.get(&key, "/api/webhooks/deliveries").await;
    let told: Vec<_> =
        listed["deliveries"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        ["diagram.expired", "diagram.cancelled", "diagram.failed", "diagram.completed", "diagram.completed"]
    );
    assert_eq!(listed["deliveries"][0]["status"], "delivered");
    assert!(receiver.is_idle(), "each end once");
    let other = server.key("bob", "pro", &[]);
    assert_eq!(server.get(&other, "/api/webhooks/deliveries").await.1["deliveries"], json!([]));
    let path = format!("/api/webhooks/deliveries/{}", message.id);
    assert_eq!(server.get(&other, &path).await.0, 404);
    assert_eq!(server.post_to(&other, &format!("{path}/redeliver"), json!({})).await.0, 404);

    let (_, all) =
        server.get(&admin, "/api/admin/webhooks/deliveries?user=ann&status=delivered&limit=2").await;
    assert_eq!(all["deliveries"].as_array().unwrap().len(), 2);
    assert_eq!((&all["deliveries"][0]["user"], &all["deliveries"][0]["url"]), (&json!("ann"), &Value::Null));
    let origin = receiver.url.split("/hooks").next().unwrap();
    assert_eq!(all["deliveries"][0]["origin"], origin, "no path");
    assert!(all["next"].is_string());
}

#[tokio::test]
async fn a_request_names_its_own_address_and_a_rotation_shows_a_secret() {
    let server = offline("");
    let key = server.key("ann", "pro", &[]);
    let mut own = Receiver::start(&[]).await;
    let mut named = Receiver::start(&[]).await;
    // Nobody has a secret yet: the first message is signed by one that nobody knows.
    let body = json!({"prompt": "a calls b", "webhookUrl": named.url});
    submitted(&server, &key, body.clone()).await;
    assert_eq!(named.next().await.signatures.len(), 1);
    let (status, rotated) = server.post_to(&key, "/api/webhooks/rotate", json!({})).await;
    assert_eq!((status, &rotated["url"]), (200, &Value::Null));
    let second = rotated["secret"].as_str().unwrap().to_owned();
    assert!(rotated["previousSecretUntil"].is_string());

    told_at_without_secret(&server, &key, &own).await;
    submitted(&server, &key, body.clone()).await;
    let message = named.next().await;
    assert_eq!((message.signatures.len(), message.signed_by(&second)), (2, 1), "both sign for a day");
    let (_, rotated) = server.post_to(&key, "/api/webhooks/rotate", json!({})).await;
    let third = rotated["secret"].as_str().unwrap();
    submitted(&server, &key, json!({"prompt": "c calls d"})).await;
    let message = own.next().await;
    assert_eq!((message.signed_by(&second), message.signed_by(third)), (1, 1));
    assert!(own.is_idle() && named.is_idle(), "one address an end");
    let (_, shown) = server.get(&key, "/api/webhooks").await;
    assert_eq!(shown["secret"], Value::Null, "never again");

    let removed = server.delete(&key, "/api/webhooks").await;
    assert_eq!((removed.0, &removed.1["url"]), (200, &Value::Null));
    let untold = submitted(&server, &key, json!({"prompt": "e calls f"})).await;
    server.ended(&key, &untold).await;
    submitted(&server, &key, body).await;
    named.next().await;
    assert!(own.is_idle());
    assert_eq!(server.post_to(&key, "/api/webhooks/test", json!({})).await.1["code"], "no_webhook");
}

async fn told_at_without_secret(server: &Server, key: &str, receiver: &Receiver) {
    let (status, webhook) = put(server, key, &receiver.url).await;
    assert_eq!((status, &webhook["secret"]), (200, &Value::Null), "it was shown before");
}

#[tokio::test]
async fn a_message_is_sent_again_until_it_is_taken_or_given_up_and_then_when_asked_for() {
    let server = offline("retries = [\"10ms\", \"20ms\"]\n");
    let key = server.key("ann", "pro", &[]);
    let refuses = [500, 404, 302].map(Reply::Status);
    let mut receiver = Receiver::start(&refuses).await;
    let secret = told_at(&server, &key, &receiver).await;
    submitted(&server, &key, json!({"prompt": "a calls b"})).await;
    let mut messages = Vec::new();
    for _ in 0..3 {
        messages.push(receiver.next().await);
    }
    for message in &messages {
        assert_eq!((&message.id, &message.bytes), (&messages[0].id, &messages[0].bytes));
        assert_eq!(message.signed_by(&secret), 1);
    }
    let id = messages[0].id.clone();
    let failed = delivery(&server, &key, &id, 3).await;
    assert_eq!((&failed["status"], &failed["responseStatus"]), (&json!("failed"), &json!(302)), "{failed}");
    assert!(failed["error"].as_str().unwrap().contains("redirects are not followed"), "{failed}");
    assert_eq!(failed["nextAttemptAt"], Value::Null);

    let (status, again) =
        server.post_to(&key, &format!("/api/webhooks/deliveries/{id}/redeliver"), json!({})).await;
    assert_eq!((status, &again["status"]), (202, &json!("pending")), "{again}");
    let message = receiver.next().await;
    assert_eq!((&message.id, &message.bytes), (&id, &messages[0].bytes));
    let taken = delivery(&server, &key, &id, 4).await;
    assert_eq!((&taken["status"], &taken["error"]), (&json!("delivered"), &Value::Null), "{taken}");

    receiver.will(&[Reply::Status(410)]);
    let (status, test) = server.post_to(&key, "/api/webhooks/test", json!({})).await;
    assert_eq!((status, &test["type"], &test["requestId"]), (202, &json!("webhook.test"), &Value::Null));
    assert_eq!(receiver.next().await.body["type"], "webhook.test");
    let gone = delivery(&server, &key, test["id"].as_str().unwrap(), 1).await;
    assert_eq!(gone["status"], "failed");
    assert!(server.get(&key, "/api/webhooks").await.1["disabledAt"].is_string());
    let untold = submitted(&server, &key, json!({"prompt": "c calls d"})).await;
    server.ended(&key, &untold).await;
    assert_eq!(
        server.get(&key, "/api/webhooks/deliveries").await.1["deliveries"].as_array().unwrap().len(),
        2
    );
    told_at_without_secret(&server, &key, &receiver).await;
    assert_eq!(server.get(&key, "/api/webhooks").await.1["disabledAt"], Value::Null);
    let told = submitted(&server, &key, json!({"prompt": "e calls f"})).await;
    let message = receiver.next().await;
    assert_eq!(
        (&message.body["type"], &message.body["data"]["requestId"]),
        (&json!("diagram.completed"), &json!(told))
    );
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_delivery_loses_nothing() {
    let server = offline("retries = [\"1h\"]\ntimeout = \"60s\"\n");
    let key = server.key("ann", "pro", &[]);
    let mut receiver = Receiver::start(&[Reply::Hang, Reply::Hang]).await;
    let secret = told_at(&server, &key, &receiver).await;
    for prompt in ["a calls b", "c calls d", "e calls f"] {
        let id = submitted(&server, &key, json!({ "prompt": prompt })).await;
        assert_eq!(server.ended(&key, &id).await["status"], "completed");
    }
    // Two are on their way to one address at most: the third has not left.
    let (first, second) = (receiver.next().await, receiver.next().await);
    assert_eq!(server.get(&key, "/api/webhooks").await.1["pending"], 3);
    let server = Server::on(server.kill());
    let mut again = Vec::new();
    for _ in 0..3 {
        again.push(receiver.next().await);
    }
    for early in [&first, &second] {
        let late = again.iter().find(|message| message.id == early.id).expect("it comes again");
        assert_eq!(late.bytes, early.bytes);
    }
    for message in &again {
        assert_eq!(message.signed_by(&secret), 1);
        assert_eq!(delivery(&server, &key, &message.id, 1).await["status"], "delivered");
    }
    assert!(receiver.is_idle());
    assert_eq!(server.get(&key, "/api/webhooks").await.1["pending"], 0);
}

#[tokio::test]
async fn a_receiver_that_hangs_delays_nobody_else() {
    let server = offline("timeout = \"60s\"\n");
    let (slow, quick) = (server.key("slow", "enterprise", &[]), server.key("quick", "pro", &[]));
    let mut hangs = Receiver::start(&[Reply::Hang; 8]).await;
    let mut takes = Receiver::start(&[]).await;
    told_at(&server, &slow, &hangs).await;
    told_at(&server, &quick, &takes).await;
    for number in 0..8 {
        submitted(&server, &slow, json!({"prompt": format!("a calls b{number}")})).await;
    }
    hangs.next().await;
    hangs.next().await;
    submitted(&server, &quick, json!({"prompt": "c calls d"})).await;
    let message = takes.next().await;
    assert_eq!(message.body["type"], "diagram.completed");
    assert!(hangs.is_idle(), "two at once, and no more");
}

#[tokio::test]
async fn without_leave_no_private_address_is_taken() {
    let server = Server::start("[[upstreams]]\nname = \"offline\"\nkind = \"offline\"\n");
    let key = server.key("ann", "pro", &[]);
    for url in [
        "http://example.com/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
        "https://2130706433/",
        "https://localhost/",
        "https://me:pw@example.com/",
        "https://example.com:22/",
        "nonsense",
    ] {
        let (status, refused) = put(&server, &key, url).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/url")), "{url}: {refused}");
        let (status, refused) = server.post(&key, json!({"prompt": "x", "webhookUrl": url})).await;
        assert_eq!(
            (status, &refused["errors"][0]["pointer"]),
            (422, &json!("/webhookUrl")),
            "{url}: {refused}"
        );
    }
    assert_eq!(put(&server, &key, "https://example.com:8443/hooks").await.0, 200);
    assert_eq!(server.get(&key, "/api/diagram/usage").await.1["hour"]["used"], 0, "nothing was consumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_does_all_of_it() {
    let server = offline("");
    let key = server.key("ann", "pro", &[]);
    let mut receiver = Receiver::start(&[Reply::Status(500)]).await;
    let run = |verb: &[&str]| {
        let all: Vec<&str> =
            ["webhook"].iter().chain(verb).copied().chain(["--server", &server.url, "--key", &key]).collect();
        let (status, printed, told) = crate::verb::run(server.dir.path(), &all, "");
        (status, String::from_utf8(printed).unwrap(), told)
    };
    assert!(run(&["list"]).1.contains("none; `diagramd webhook set URL` sets one"));
    let (status, printed, told) = run(&["set", &receiver.url]);
    let secret = printed.lines().next_back().unwrap();
    assert!(
        status == 0 && secret.starts_with("whsec_") && told.contains("not shown again"),
        "{printed}{told}"
    );
    let (status, _, told) = run(&["test"]);
    assert!(status == 1 && told.contains("the receiver answered 500; it is sent again at 2"), "{told}");
    let id = receiver.next().await.id;
    assert_eq!(run(&["redeliver", &id]).1, format!("{id} is delivered\n"));
    assert_eq!(receiver.next().await.signed_by(secret), 1);
    let listed = run(&["deliveries", "--status", "delivered"]).1;
    assert!(listed.lines().count() == 2 && listed.contains(&id), "{listed}");
    let (status, rotated, _) = run(&["rotate"]);
    assert!(status == 0 && rotated.starts_with("whsec_") && rotated.trim() != secret);
    assert!(run(&["remove"]).1.contains("none"));
    let (status, _, told) = run(&["test"]);
    assert!(status == 1 && told.contains("set one with PUT /api/webhooks"), "{told}");
    let (status, _, told) = run(&["deliveries", "--status", "lost"]);
    assert!(status == 2 && told.contains("expected pending, delivered or failed"), "{told}");
}
