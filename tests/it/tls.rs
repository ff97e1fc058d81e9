//! Over TLS, by certificates of an authority that the system trusts: calls to an upstream, webhooks
//! and letters, whatever proxy the environment names; and nothing to a machine that is not the one
//! named.

use serde_json::json;
use tempfile::TempDir;

use crate::alert_receivers::{Door, MailServer};
use crate::authority::Authority;
use crate::flow::config;
use crate::receiver::Receiver;
use crate::server::Server;
use crate::upstream::{Behaviour, Upstream};
use crate::webhooks::{delivery, put};

fn address(url: &str) -> &str {
    url.split('/').nth(2).unwrap()
}

/// A server whose system trusts the authority.
fn trusting(authority: &Authority, settings: &str) -> Server {
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("config.toml"), settings).unwrap();
    let environment = [
        "env".to_owned(),
        authority.trusted(),
        // Nobody listens there: what goes by it is lost.
        "https_proxy=http://127.0.0.1:9".to_owned(),
        "all_proxy=http://127.0.0.1:9".to_owned(),
    ];
    Server::under(&environment, dir)
}

#[tokio::test]
async fn upstreams_and_webhooks_are_reached_by_tls_under_their_own_names_only() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path());
    let upstream = Upstream::anthropic().start().await;
    let mut receiver = Receiver::start(&[]).await;
    let for_upstream = authority.stand_before(address(&upstream.url()), "localhost").await;
    let for_receiver = authority.stand_before(address(&receiver.url), "localhost").await;
    let impostor = authority.stand_before(address(&receiver.url), "other.example").await;

    let settings = config(&upstream, "[webhooks]\nallow_private_addresses = true\n")
        .replace(&upstream.url(), &format!("https://localhost:{for_upstream}"));
    let server = trusting(&authority, &settings);
    let key = server.key("ann", "pro", &[]);

    assert_eq!(put(&server, &key, &format!("https://localhost:{for_receiver}/hooks")).await.0, 200);
    let (_, accepted) = server.prompt(&key, "draw it").await;
    let id = accepted["requestId"].as_str().unwrap();
    assert_eq!(server.ended(&key, id).await["status"], "completed");
    assert_eq!(upstream.ledger().len(), 1);
    assert_eq!(receiver.next().await.body["data"]["requestId"], id);

    assert_eq!(put(&server, &key, &format!("https://localhost:{impostor}/hooks")).await.0, 200);
    let (status, test) = server.post_to(&key, "/api/webhooks/test", json!({})).await;
    assert_eq!(status, 202, "{test}");
    let tried = delivery(&server, &key, test["id"].as_str().unwrap(), 1).await;
    assert_eq!(tried["status"], "pending", "{tried}");
    assert!(tried["error"].as_str().unwrap().contains("certificate"), "{tried}");
    assert!(receiver.is_idle());
}

#[tokio::test]
async fn letters_go_by_tls_or_not_at_all() {
    let folder = TempDir::new().unwrap();
    let authority = Authority::new(folder.path());
    for (security, door) in [
        ("starttls", Door::Starttls(authority.acceptor("localhost"))),
        ("tls", Door::Tls(authority.acceptor("localhost"))),
    ] {
        let mut mail = MailServer::behind(door, 0).await;
        let (_server, _upstream) = troubled(&authority, security, mail.port).await;
        let letter = mail.next().await;
        assert_eq!(letter.signed_in, Some(("mailer".to_owned(), "letmein".to_owned())), "{security}");
        assert!(letter.text.contains("upstream paused (main)"), "{security}: {}", letter.text);
    }
    // Without TLS, or by another machine's certificate, not even the password is said.
    for door in [Door::Open, Door::Starttls(authority.acceptor("other.example"))] {
        let mut mail = MailServer::behind(door, 0).await;
        let (_server, _upstream) = troubled(&authority, "starttls", mail.port).await;
        let visit = mail.visited().await;
        assert!(!visit.said_a_password && !visit.left_a_letter, "{visit:?}");
    }
}

/// A server with an upstream that refuses its key, which it writes a letter about.
async fn troubled(authority: &Authority, security: &str, port: u16) -> (Server, Upstream) {
    let upstream = Upstream::anthropic().start().await;
    upstream.always(Behaviour::status(401).kind("authentication_error").message("invalid x-api-key"));
    let alerts = format!(
        "[alerts.email]\nhost = \"localhost\"\nport = {port}\nsecurity = \"{security}\"\nuser = \"mailer\"\npassword = \"letmein\"\nfrom = \"diagramd@example.com\"\nto = [\"ops@example.com\"]\n"
    );
    let server = trusting(authority, &config(&upstream, &alerts));
    let key = server.key("ann", "pro", &[]);
    assert_eq!(server.prompt(&key, "draw").await.0, 202);
    (server, upstream)
}
