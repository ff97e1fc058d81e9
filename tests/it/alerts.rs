//! The operator is told of trouble: once, in time, by every way, and not again after a restart.

use diagramd::domain::Timestamp;
use diagramd::webhooks::{Secret, sign};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use crate::alert_receivers::{Door, Hook, MailServer};
use crate::flow::config;
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What stands, by the kinds' names.
async fn standing(server: &Server, admin: &str) -> Vec<Value> {
    let (status, body) = server.get(admin, "/api/admin/alerts").await;
    assert_eq!(status, 200, "{body}");
    let all = body["alerts"].as_array().unwrap().iter();
    all.filter(|alert| alert.get("resolvedAt").is_none()).cloned().collect()
}

async fn ended(server: &Server, key: &str, prompt: &str) -> Value {
    let (status, accepted) = server.prompt(key, prompt).await;
    assert_eq!(status, 202, "{accepted}");
    server.ended(key, accepted["requestId"].as_str().unwrap()).await
}

/// A socket of an admin who watches the queue.
async fn watching(server: &Server, admin: &str) -> impl futures_util::Stream<Item = Value> + Unpin + use<> {
    let mut request = server.url.replace("http", "ws").into_client_request().unwrap();
    request.headers_mut().insert("x-api-key", admin.parse().unwrap());
    let (mut socket, _) = connect_async(request).await.unwrap();
    socket.send(Message::text(r#"{"type":"subscribe","scope":"queue"}"#)).await.unwrap();
    let messages = socket.filter_map(|message| async move {
        let Ok(Message::Text(text)) = message else { return None };
        serde_json::from_str::<Value>(&text).ok()
    });
    Box::pin(messages)
}

#[tokio::test]
async fn a_limit_that_fills_up_is_told_at_each_threshold_once_and_not_after_a_restart() {
    let mut hook = Hook::start(&[503]).await;
    let upstream = Upstream::anthropic().start().await;
    let alerts =
        format!("[alerts]\ndisk_free = 0.0\nwebhook_url = \"{}/hooks/x\"\nsecret = \"{SECRET}\"\n", hook.url);
    let server = Server::start(
        &config(&upstream, &alerts).replace("requests_per_minute = 1000", "requests_per_minute = 20"),
    );
    let (key, admin) = (server.key("ann", "enterprise", &[]), server.key("root", "free", &["--admin"]));
    let mut socket = watching(&server, &admin).await;
    assert_eq!(socket.next().await.unwrap()["type"], "queue");

    for number in 0..16 {
        assert_eq!(ended(&server, &key, &format!("draw {number}")).await["status"], "completed");
    }
    // The first try is refused, the second one is taken: the same message, signed anew.
    let (refused, taken) = (hook.next().await, hook.next().await);
    assert_eq!(refused.headers["webhook-id"], taken.headers["webhook-id"]);
    assert_eq!(refused.body, taken.body);
    let seconds: i64 = taken.headers["webhook-timestamp"].parse().unwrap();
    let secret: Secret = SECRET.parse().unwrap();
    let signed =
        sign::headers(&[&secret], &taken.headers["webhook-id"], Timestamp(seconds * 1000), &taken.body);
    assert_eq!(taken.headers["webhook-signature"], signed[2].1);
    assert_eq!(
        (taken.path.as_str(), taken.headers["content-type"].as_str()),
        ("/hooks/x", "application/json")
    );
    let body = taken.json();
    assert_eq!(body["type"], "alert.raised");
    let expected = json!({ "kind": "upstream_limit", "level": "warning", "subject": "main", "value": 0.8, "threshold": 0.8 });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(body["data"][field], *value, "{body}");
    }

    for number in 16..19 {
        ended(&server, &key, &format!("draw {number}")).await;
    }
    let second = hook.next().await.json();
    assert_eq!((&second["data"]["level"], &second["data"]["threshold"]), (&json!("critical"), &json!(0.95)));
    let stand = standing(&server, &admin).await;
    let of_limits: Vec<&Value> = stand.iter().filter(|alert| alert["kind"] == "upstream_limit").collect();
    assert_eq!(of_limits.len(), 2, "{stand:?}");

    // The dashboard heard the same, in the same order.
    let mut told = Vec::new();
    while told.len() < 2 {
        let message = socket.next().await.unwrap();
        if message["type"] == "alert" && message["kind"] == "upstream_limit" {
            told.push(message);
        }
    }
    assert_eq!((&told[0]["id"], &told[0]["state"]), (&body["data"]["id"], &json!("raised")));
    assert_eq!(told[1]["id"], second["data"]["id"]);

    // The charges of the minute are still alive after a restart, and nobody is told again.
    let server = Server::on(server.kill());
    let stand = standing(&server, &admin).await;
    assert!(stand.iter().any(|alert| alert["id"] == body["data"]["id"]), "{stand:?}");
    let mut socket = watching(&server, &admin).await;
    assert_eq!(socket.next().await.unwrap()["type"], "queue");
    ended(&server, &key, "one more").await;
    let figures = socket.next().await.unwrap();
    assert_eq!(figures["type"], "queue", "no alert: {figures}");
    assert!(hook.is_quiet());
}

#[tokio::test]
async fn an_upstream_that_refuses_the_key_is_told_by_mail_and_in_chat() {
    let mut hook = Hook::start(&[]).await;
    let mut mail = MailServer::start(1).await;
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(401).kind("authentication_error").message("invalid x-api-key"));
    let alerts = format!(
        "[alerts]\ndisk_free = 0.0\nwebhook_url = \"{}/services/T/B/x\"\nformat = \"slack\"\n[alerts.email]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nuser = \"mailer\"\npassword = \"letmein\"\nfrom = \"diagramd <diagramd@example.com>\"\nto = [\"ops@example.com\", \"Ann <ann@example.com>\"]\n",
        hook.url, mail.port
    );
    let server = Server::start(&config(&upstream, &alerts));
    let (key, admin) = (server.key("ann", "pro", &[]), server.key("root", "free", &["--admin"]));
    assert_eq!(server.prompt(&key, "draw").await.0, 202);

    let posted = hook.next().await;
    let text = posted.json()["text"].as_str().unwrap().to_owned();
    assert!(text.starts_with("*Critical: upstream paused (main)*\nThe upstream main is paused ("), "{text}");
    assert!(posted.headers.contains_key("webhook-id") && !posted.headers.contains_key("webhook-signature"));

    // The first letter was refused.
    let letter = mail.next().await;
    assert_eq!(letter.from, "diagramd@example.com");
    assert_eq!(letter.to, ["ops@example.com", "ann@example.com"]);
    assert_eq!(letter.signed_in, Some(("mailer".to_owned(), "letmein".to_owned())));
    assert!(
        letter.text.contains("Subject: [diagramd] Critical: upstream paused (main)\n"),
        "{}",
        letter.text
    );
    assert!(letter.text.contains("Message-ID: <alert_"), "{}", letter.text);

    let stand = standing(&server, &admin).await;
    assert_eq!(stand.len(), 1, "{stand:?}");
    assert_eq!((&stand[0]["kind"], &stand[0]["level"]), (&json!("upstream_paused"), &json!("critical")));
    assert!(!stand[0].to_string().contains("sk-"), "{stand:?}");
    assert_eq!(server.get(&key, "/api/admin/alerts").await.0, 403);
}

#[tokio::test]
async fn a_recipient_who_is_refused_keeps_nobody_from_getting_the_letter() {
    let mut mail = MailServer::behind(Door::Without("former@example.com"), 0).await;
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(401).kind("authentication_error").message("invalid x-api-key"));
    let alerts = format!(
        "[alerts]\ndisk_free = 0.0\n[alerts.email]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"diagramd@example.com\"\nto = [\"ann@example.com\", \"former@example.com\", \"bob@example.com\"]\n",
        mail.port
    );
    let server = Server::start(&config(&upstream, &alerts));
    let key = server.key("ann", "pro", &[]);
    assert_eq!(server.prompt(&key, "draw").await.0, 202);
    assert_eq!(mail.next().await.to, ["ann@example.com"]);
    assert_eq!(mail.next().await.to, ["bob@example.com"]);
    let admin = server.key("root", "free", &["--admin"]);
    assert_eq!(standing(&server, &admin).await.len(), 1);
}

#[tokio::test]
async fn keys_that_end_and_requests_that_wait_are_told_to_ntfy() {
    let mut hook = Hook::start(&[]).await;
    let upstream = Upstream::anthropic().start().await;
    let alerts = format!(
        "[alerts]\ndisk_free = 0.0\nqueue_age = \"1s\"\nwebhook_url = \"{}/ops\"\nformat = \"ntfy\"\n",
        hook.url
    );
    let server = Server::start(&config(&upstream, &alerts));
    let (key, admin) = (server.key("ann", "pro", &[]), server.key("root", "free", &["--admin"]));
    assert_eq!(server.post_to(&admin, "/api/admin/queue/pause", json!({})).await.0, 200);
    assert_eq!(server.prompt(&key, "wait").await.0, 202);
    let posted = hook.next().await;
    let body = posted.json();
    assert_eq!((posted.path.as_str(), &body["topic"], &body["priority"]), ("/", &json!("ops"), &json!(4)));
    assert_eq!(body["title"], "Warning: queue age (server)");
    let message = body["message"].as_str().unwrap();
    assert!(message.ends_with("and 1 wait. The queue is paused."), "{message}");

    // A key in its last quarter, seen at the next look at the keys: as if it had been made in January.
    server.key("bob", "pro", &["--expires", "1d"]);
    let (_, keys) = server.get(&admin, "/api/admin/keys").await;
    let of_bob = keys["keys"].as_array().unwrap().iter().find(|key| key["user"] == "bob").unwrap();
    let id = of_bob["id"].as_str().unwrap();
    let database = rusqlite::Connection::open(server.dir.path().join("data/diagramd.db")).unwrap();
    database.execute("UPDATE api_key SET created_at = 1767225600000 WHERE id = ?1", [id]).unwrap();
    let body = hook.next().await.json();
    assert_eq!(body["title"], format!("Warning: key expiry ({id})"), "{body}");
    assert!(body["message"].as_str().unwrap().contains(" of bob expires in "), "{body}");
}

#[tokio::test]
async fn a_mail_server_that_hangs_holds_up_no_webhook() {
    let mut hook = Hook::start(&[]).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let upstream = Upstream::anthropic().start().await;
    let alerts = format!(
        "[alerts]\ndisk_free = 0.0\nwebhook_url = \"{}/hooks/x\"\n[alerts.email]\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\n\
         from = \"diagramd@example.com\"\nto = [\"ann@example.com\"]\n",
        hook.url,
        silent.local_addr().unwrap().port()
    );
    let server = Server::start(
        &config(&upstream, &alerts).replace("requests_per_minute = 1000", "requests_per_minute = 20"),
    );
    let key = server.key("ann", "enterprise", &[]);
    for number in 0..16 {
        ended(&server, &key, &format!("draw {number}")).await;
    }
    assert_eq!(hook.next().await.json()["data"]["threshold"], 0.8);
    let (held, _) = silent.accept().await.unwrap();
    for number in 16..19 {
        ended(&server, &key, &format!("draw {number}")).await;
    }
    assert_eq!(hook.next().await.json()["data"]["threshold"], 0.95);
    // The letter is still on its way: nobody waited for it.
    let mut byte = [0];
    let read = held.try_read(&mut byte);
    assert!(read.is_err_and(|reason| reason.kind() == std::io::ErrorKind::WouldBlock));
}
