//! The operator's own tokens, through the whole server.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::minted::Minted;
use crate::server::Server;
use crate::socket::Socket;

/// The operator's identity provider: one document, counted fetches.
struct Provider {
    url: String,
    fetches: Arc<AtomicUsize>,
}

async fn provider(keys: Vec<Value>) -> Provider {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let fetches = Arc::new(AtomicUsize::new(0));
    let document = Arc::new(Mutex::new(json!({ "keys": keys }).to_string()));
    let counted = Arc::clone(&fetches);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (document, counted) = (Arc::clone(&document), Arc::clone(&counted));
            let service = service_fn(move |_: Request<Incoming>| {
                counted.fetch_add(1, Ordering::AcqRel);
                let body = Bytes::from(document.lock().clone());
                async move { Ok::<_, hyper::Error>(Response::new(Full::new(body))) }
            });
            let serving =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tokio::spawn(serving);
        }
    });
    Provider { url, fetches }
}

fn config(key: &str, algorithms: &str) -> String {
    format!(
        "[auth.jwt]\nissuer = \"https://app\"\naudience = \"diagrams\"\nalgorithms = {algorithms}\ntier_claim = \"plan\"\n{key}\n"
    )
}

fn claims(name: &str, seconds: i64) -> Value {
    let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
    json!({ "sub": name, "iss": "https://app", "aud": "diagrams", "exp": now + seconds, "plan": "pro" })
}

async fn usage(server: &Server, token: &str) -> (u16, Value) {
    let asked = server.client.get(format!("{}/api/diagram/usage", server.url)).bearer_auth(token);
    let answer = asked.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test]
async fn tokens_are_verified_by_the_operators_key_set_and_forgeries_do_not_hammer_it() {
    let (rsa, ec, ed) = (Minted::rs256("r"), Minted::es256("e"), Minted::ed25519("d"));
    let provider = provider(vec![rsa.jwk(), ec.jwk(), ed.jwk()]).await;
    let key = format!("jwks_url = \"{}\"", provider.url);
    let server = Server::start(&config(&key, "[\"RS256\", \"ES256\", \"EdDSA\"]"));
    for (name, pair) in [("ann", &rsa), ("bob", &ec), ("cid", &ed)] {
        let (status, usage) = usage(&server, &pair.token(&claims(name, 60))).await;
        assert_eq!((status, &usage["user"], &usage["tier"]), (200, &json!(name), &json!("pro")));
        assert_eq!(
            server
                .client
                .get(format!("{}/api/admin/users", server.url))
                .bearer_auth(pair.token(&claims(name, 60)))
                .send()
                .await
                .unwrap()
                .status()
                .as_u16(),
            403
        );
    }
    let stranger = Minted::es256("unknown");
    for forged in [
        stranger.token(&claims("ann", 60)),
        Minted::es256("e").token(&claims("ann", 60)),
        ec.token(&claims("ann", -60)),
        ec.token(&claims("a/b", 60)),
    ] {
        let (status, problem) = usage(&server, &forged).await;
        assert_eq!((status, &problem["code"]), (401, &json!("unauthorized")));
    }
    assert_eq!(provider.fetches.load(Ordering::Acquire), 1);
    let mut socket = Socket::open(&server).await;
    socket.send(json!({ "type": "auth", "token": ed.token(&claims("cid", 60)) })).await;
    socket.send(json!({ "type": "subscribe", "scope": "mine" })).await;
    assert_eq!(socket.next().await["scope"], "mine");
}

#[tokio::test]
async fn a_socket_ends_when_its_token_does() {
    let pair = Minted::ed25519("d");
    let dir = tempfile::TempDir::new().unwrap();
    let pem = dir.path().join("public.pem");
    std::fs::write(&pem, pair.public_pem()).unwrap();
    let server = Server::start(&config(&format!("public_key_file = \"{}\"", pem.display()), "[\"EdDSA\"]"));
    let mut lives = Socket::open(&server).await;
    lives.send(json!({ "type": "auth", "token": pair.token(&claims("ann", 600)) })).await;
    // Half a minute is forgiven to clocks that differ: this one ends in two seconds.
    let mut ends = Socket::open(&server).await;
    ends.send(json!({ "type": "auth", "token": pair.token(&claims("ann", -28)) })).await;
    assert_eq!(ends.closed().await.0, 1008);
    assert!(lives.all_so_far().await.is_empty());
}

#[tokio::test]
async fn the_servers_own_issuer_is_refused_at_the_start() {
    let dir = tempfile::TempDir::new().unwrap();
    std::fs::write(dir.path().join("secret"), "0123456789abcdef0123456789abcdef").unwrap();
    let text = config("hs256_secret_file = \"secret\"", "[\"HS256\"]").replace("https://app", "diagramd");
    std::fs::write(dir.path().join("config.toml"), text).unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_diagramd"))
        .args(["serve", "--config", "config.toml", "--data-dir", "data", "--listen", "127.0.0.1:0"])
        .current_dir(dir.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success() && said.contains("issuer"), "{said}");
}
