//! The WebSocket of one request: the upgrade goes over the HTTP client, so that TLS, proxies and
//! the key are the same as for every call.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::{SinkExt, StreamExt};
use rand::Rng;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::connection::Client;
use super::problem::ClientError;
use super::status::Progress;

/// How long the upgrade may take; a proxy may swallow it.
const UPGRADE_TIMEOUT: Duration = Duration::from_secs(10);

/// A subscription to one request.
pub(super) struct Stream(WebSocketStream<reqwest::Upgraded>);

/// What the stream says next.
pub(super) enum Said {
    /// Something on the way.
    Progress(Progress),
    /// The request has ended; its status has the rest.
    Ended,
}

/// The messages of the server that matter here; their fields are those of the events.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", rename_all_fields = "camelCase")]
enum Sent {
    Position {
        position: u64,
        #[serde(default)]
        estimated_wait_seconds: u64,
    },
    Processing {
        #[serde(default)]
        attempt: u32,
        #[serde(default)]
        model: String,
    },
    Delta {
        text: String,
    },
    Validating,
    Repairing,
    Retrying {
        #[serde(default)]
        attempt: u32,
        #[serde(default)]
        reason: String,
    },
    Completed,
    Failed,
    Cancelled,
    Expired,
    Error,
    #[serde(other)]
    Other,
}

impl Client {
    /// Subscribes to a request. `None` when the server gives no WebSocket, or a proxy between
    /// lets none through.
    pub(super) async fn subscribe(&self, id: &str) -> Result<Option<Stream>, ClientError> {
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
        let subscribe = json!({ "type": "subscribe", "requestId": id }).to_string();
        match socket.send(Message::text(subscribe)).await {
            Ok(()) => Ok(Some(Stream(socket))),
            Err(_) => Ok(None),
        }
    }
}

impl Stream {
    /// The next news; `None` when the stream has broken off.
    pub(super) async fn next(&mut self) -> Option<Said> {
        loop {
            let message = self.0.next().await?.ok()?;
            let Message::Text(text) = message else { continue };
            let Ok(sent) = serde_json::from_str::<Sent>(&text) else { continue };
            return Some(match sent {
                Sent::Position { position, estimated_wait_seconds } => {
                    Said::Progress(Progress::Queued { position, estimated_wait_seconds })
                }
                Sent::Processing { attempt, model } => {
                    Said::Progress(Progress::Processing { attempt, model })
                }
                Sent::Delta { text } => Said::Progress(Progress::Delta { text }),
                Sent::Validating => Said::Progress(Progress::Validating),
                Sent::Repairing => Said::Progress(Progress::Repairing),
                Sent::Retrying { attempt, reason } => Said::Progress(Progress::Retrying { attempt, reason }),
                Sent::Completed | Sent::Failed | Sent::Cancelled | Sent::Expired => Said::Ended,
                Sent::Error => return None,
                Sent::Other => continue,
            });
        }
    }
}
