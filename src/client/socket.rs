//! A WebSocket of the server: the upgrade goes over the HTTP client, so that TLS, proxies and the
//! key are the same as for every call.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use rand::Rng;
use reqwest::Method;
use serde_json::Value;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::connection::Client;
use super::problem::ClientError;

/// How long the upgrade may take; a proxy may swallow it.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// An open WebSocket with one subscription.
pub(super) struct Socket(WebSocketStream<reqwest::Upgraded>);

impl Client {
    /// Opens a WebSocket and sends its first message. `None` when the server gives no WebSocket,
    /// or a proxy between lets none through.
    pub(super) async fn socket(&self, first: &Value) -> Result<Option<Socket>, ClientError> {
        let mut nonce = [0; 16];
        rand::rng().fill_bytes(&mut nonce);
        let nonce = STANDARD.encode(nonce);
        let call = self
            .call(Method::GET, "/ws")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", &nonce);
        let Ok(answer) = tokio::time::timeout(UPGRADE_TIMEOUT, self.send(call)).await else {
            return Ok(None);
        };
        let response = match answer {
            Ok(response) if response.status().as_u16() == 101 => response,
            Ok(_) | Err(ClientError::Refused(_) | ClientError::Foreign { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let accepted = response.headers().get("sec-websocket-accept").and_then(|value| value.to_str().ok());
        if accepted != Some(derive_accept_key(nonce.as_bytes()).as_str()) {
            return Ok(None);
        }
        let Ok(upgraded) = response.upgrade().await else { return Ok(None) };
        let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await;
        match socket.send(Message::text(first.to_string())).await {
            Ok(()) => Ok(Some(Socket(socket))),
            Err(_) => Ok(None),
        }
    }
}

impl Socket {
    /// The next text; `None` when the socket has broken off.
    pub(super) async fn next(&mut self) -> Option<Utf8Bytes> {
        loop {
            if let Message::Text(text) = self.0.next().await?.ok()? {
                return Some(text);
            }
        }
    }
}
