//! Damaged HTTP on raw connections.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bytes::{Damage, tries};
use crate::server::Server;

/// Shorter than the server waits for the rest of a head: it need not be waited for each time.
const PATIENCE: Duration = Duration::from_millis(300);

fn requests(key: &str) -> Vec<String> {
    let body = r#"{"prompt":"A -> B","diagramType":"mermaid","metadata":{"a":1}}"#;
    let post = |path: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n\
             Idempotency-Key: k1\r\nPrefer: wait=1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    };
    let get = |path: &str| {
        format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nIf-None-Match: \"x\"\r\nConnection: close\r\n\r\n"
        )
    };
    let id = "req_00000000000000000000000000000000";
    vec![
        post("/api/diagram/generate", body),
        post("/api/auth/token", "{\"ttlSeconds\":60}"),
        post("/api/auth/ws-ticket", ""),
        get(&format!("/api/diagram/status/{id}")),
        get(&format!("/api/diagram/events/{id}")),
        get("/api/diagram/requests?status=queued&limit=10&cursor=abc"),
        get("/api/diagram/usage"),
        get("/api/diagram/stats?from=2026-01-01T00:00:00Z&groupBy=tier"),
        get("/api/admin/users"),
        get("/healthz"),
        format!("DELETE /api/diagram/cancel/{id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n"),
        format!("GET /ws?ticket=abc HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n", "AAAAAAAAAAAAAAAAAAAAAA=="),
        "POST /api/diagram/generate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n3\r\n{\"a\r\n0\r\n\r\n".to_owned(),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_http_gets_no_5xx_and_harms_nobody() {
    let server = Server::start("[server]\napi_requests_per_minute = 0\nanonymous_requests_per_minute = 0\n");
    let key = server.key("ann", "enterprise", &["--admin"]);
    let requests = requests(&key);
    let address = server.url.trim_start_matches("http://").to_owned();
    let mut damage = Damage::new(1);
    for n in 0..tries(1500) {
        let bytes = damage.of(requests[n % requests.len()].as_bytes());
        let mut stream = TcpStream::connect(&address).await.unwrap();
        // The server may close before it has read everything.
        drop(stream.write_all(&bytes).await);
        drop(stream.shutdown().await);
        let mut answer = Vec::new();
        drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await);
        let status = answer.get(9..12).map(|digits| String::from_utf8_lossy(digits).into_owned());
        let status: u16 = status.and_then(|digits| digits.parse().ok()).unwrap_or(400);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(status < 500, "{shown:?}\n{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(server.get("", "/healthz").await.0, 200);
    assert_eq!(server.panics(), Vec::<String>::new());
}
