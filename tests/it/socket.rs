//! A WebSocket client of a test: sends and reads JSON, and fails instead of waiting for ever.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::server::Server;

/// No test waits longer for one message.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Without credentials.
    pub async fn open(server: &Server) -> Self {
        Self::open_with(server, "/ws", None).await.unwrap()
    }

    /// With a key in the header.
    pub async fn open_as(server: &Server, key: &str) -> Self {
        Self::open_with(server, "/ws", Some(key)).await.unwrap()
    }

    /// On any path; `Err` is the status of the refusal.
    pub async fn open_with(server: &Server, path: &str, key: Option<&str>) -> Result<Self, u16> {
        let headers: Vec<_> = key.map(|key| ("x-api-key", key)).into_iter().collect();
        Self::open_with_headers(server, path, &headers).await
    }

    /// With these headers.
    pub async fn open_with_headers(
        server: &Server,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, u16> {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a test can be a slow reader within reason.
        socket.set_recv_buffer_size(4096).unwrap();
        let address = server.url.trim_start_matches("http://").parse().unwrap();
        let stream = socket.connect(address).await.unwrap();
        let mut request =
            format!("ws{}{path}", server.url.trim_start_matches("http")).into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("{other}"),
        }
    }

    pub async fn send(&mut self, message: Value) {
        self.send_message(Message::text(message.to_string())).await;
    }

    pub async fn send_message(&mut self, message: Message) {
        timeout(PATIENCE, self.0.send(message)).await.expect("the server reads").unwrap();
    }

    /// Bytes that need be no frames.
    pub async fn send_raw(&mut self, bytes: &[u8]) {
        self.0.get_mut().write_all(bytes).await.unwrap();
    }

    /// The next message of the server.
    pub async fn next(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message within half a minute") {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?} instead of a message"),
            }
        }
    }

    /// The messages up to the first of this type.
    pub async fn until(&mut self, kind: &str) -> Vec<Value> {
        let mut seen = Vec::new();
        loop {
            seen.push(self.next().await);
            if seen.last().unwrap()["type"] == kind {
                return seen;
            }
        }
    }

    /// Everything that the server has sent, by asking for an answer behind it.
    pub async fn all_so_far(&mut self) -> Vec<Value> {
        self.send(serde_json::json!({ "type": "ping" })).await;
        let mut seen = self.until("pong").await;
        seen.pop();
        seen
    }

    /// Reads to the end; the code and the reason of the server's close.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a close within half a minute") {
                Some(Ok(Message::Close(Some(frame)))) => {
                    return (frame.code.into(), frame.reason.to_string());
                }
                Some(Ok(_)) => {}
                other => panic!("{other:?} instead of a close"),
            }
        }
    }
}

/// The types of messages, in order.
pub fn types(messages: &[Value]) -> Vec<&str> {
    messages.iter().map(|message| message["type"].as_str().unwrap()).collect()
}
