//! The operator's pause: requests are accepted and wait, and the figures say that they do.

use std::process::Command;

use serde_json::{Value, json};

use crate::live::subscribe;
use crate::server::Server;
use crate::socket::Socket;

/// What `diagramd queue` prints.
fn queue_verb(server: &Server, admin: &str) -> String {
    let ran = Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .arg("queue")
        .env("DIAGRAMD_URL", &server.url)
        .env("DIAGRAMD_KEY", admin)
        .output()
        .unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).unwrap()
}

#[tokio::test]
async fn a_paused_queue_accepts_and_says_that_it_does_not_empty() {
    let server = Server::start("");
    let (user, admin) = (server.key("ann", "pro", &[]), server.key("root", "pro", &["--admin"]));
    let (status, paused) = server.post_to(&admin, "/api/admin/queue/pause", json!({})).await;
    assert_eq!((status, &paused["paused"]), (200, &json!(true)), "{paused}");
    let (status, accepted) = server.prompt(&user, "a then b").await;
    assert_eq!((status, &accepted["position"]), (202, &json!(1)), "{accepted}");
    assert_eq!(accepted["paused"], true, "who waits is told why: {accepted}");
    let id = accepted["requestId"].as_str().unwrap();
    let (_, waits) = server.get(&user, &format!("/api/diagram/status/{id}")).await;
    assert_eq!(waits["paused"], true, "{waits}");
    let mut socket = Socket::open(&server).await;
    socket.send(subscribe(id)).await;
    assert_eq!(socket.until("subscribed").await[0]["paused"], true);

    let (_, figures) = server.get(&admin, "/api/diagram/queue/status").await;
    let told = [&figures["depth"], &figures["paused"], &figures["estimatedDrainSeconds"]];
    assert_eq!(told, [&json!(1), &json!(true), &Value::Null], "{figures}");
    let printed = queue_verb(&server, &admin);
    assert!(printed.starts_with("1 waiting, 0 running, paused; 0 a minute\n"), "{printed}");

    let (status, _) = server.post_to(&admin, "/api/admin/queue/resume", json!({})).await;
    assert_eq!(status, 200);
    let ended = server.ended(&user, id).await;
    assert_eq!((&ended["status"], &ended["paused"]), (&json!("completed"), &Value::Null), "{ended}");
    let printed = queue_verb(&server, &admin);
    assert!(
        printed.starts_with("0 waiting, 0 running; ") && printed.contains("empty in about 0 s"),
        "{printed}"
    );
}
