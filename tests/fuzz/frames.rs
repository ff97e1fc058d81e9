//! Damaged WebSocket frames after a good handshake.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::bytes::{Damage, tries};
use crate::server::Server;

const PATIENCE: Duration = Duration::from_millis(300);

/// A masked text frame (RFC 6455, 5.2) with the mask 0.
fn frame(text: &str) -> Vec<u8> {
    let mut bytes = vec![0x81];
    match u8::try_from(text.len()) {
        Ok(length) if length < 126 => bytes.push(0x80 | length),
        _ => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
        }
    }
    bytes.extend([0; 4]);
    bytes.extend(text.bytes());
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_frames_end_their_socket_only() {
    let server = Server::start("[server]\nanonymous_requests_per_minute = 0\napi_requests_per_minute = 0\n");
    let key = server.key("ann", "enterprise", &["--admin"]);
    let address = server.url.trim_start_matches("http://").to_owned();
    let good: Vec<Vec<u8>> = [
        r#"{"type":"subscribe","requestId":"req_00000000000000000000000000000000"}"#.to_owned(),
        r#"{"type":"subscribe","scope":"mine"}"#.to_owned(),
        r#"{"type":"subscribe","scope":"queue"}"#.to_owned(),
        r#"{"type":"unsubscribe","scope":"mine"}"#.to_owned(),
        format!(r#"{{"type":"auth","token":"{key}"}}"#),
        r#"{"type":"ping"}"#.to_owned(),
        format!(r#"{{"type":"ping","x":"{}"}}"#, "y".repeat(300)),
    ]
    .iter()
    .map(|text| frame(text))
    .collect();
    let mut damage = Damage::new(3);
    for _ in 0..tries(400) {
        let mut stream = TcpStream::connect(&address).await.unwrap();
        let handshake = format!(
            "GET /ws HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        );
        stream.write_all(handshake.as_bytes()).await.unwrap();
        let whole: Vec<u8> = (0..4).flat_map(|_| good[damage.below(good.len())].clone()).collect();
        // The server may close before it has read everything.
        drop(stream.write_all(&damage.of(&whole)).await);
        drop(stream.shutdown().await);
        let mut answer = Vec::new();
        drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await);
        // A socket closed with bytes unread is reset, and a reset may overtake the answer.
        let opened = answer.is_empty() || answer.starts_with(b"HTTP/1.1 101");
        assert!(opened, "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(server.get("", "/healthz").await.0, 200);
    assert_eq!(server.panics(), Vec::<String>::new());
}
