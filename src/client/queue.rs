//! The queue as an admin sees it: its figures as they change, and the latest requests.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::connection::Client;
use super::problem::ClientError;
use super::socket::Socket;

/// The pause between two questions where there is no WebSocket, and before a lost connection is
/// made again.
const PAUSE: Duration = Duration::from_secs(1);
/// A stream that says nothing for so long is doubted: an idle queue says nothing, too.
const QUIET_MAX: Duration = Duration::from_secs(20);

/// News of the queue.
#[derive(Clone, Debug)]
pub enum QueueNews {
    /// The figures, as the server sent them.
    Figures(Value),
    /// No answer for now, in plain words; the connection is being made again.
    Lost(String),
}

/// The queue's figures.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct QueueFigures {
    /// Requests waiting.
    pub depth: u64,
    /// Requests running.
    pub processing: u64,
    /// Whether the operator paused the queue.
    pub paused: bool,
    /// By tier.
    pub by_tier: std::collections::BTreeMap<String, TierFigures>,
    /// In order of preference.
    pub upstreams: Vec<LaneFigures>,
    /// Seconds until nothing waits; `None` while a paused queue holds requests.
    pub estimated_drain_seconds: Option<u64>,
    /// Requests ended in the last minute.
    pub throughput_per_minute: u64,
}

/// One tier's part of the queue.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TierFigures {
    /// Requests waiting.
    pub queued: u64,
    /// Requests running.
    pub processing: u64,
    /// Seconds the oldest has waited.
    pub oldest_wait_seconds: u64,
}

/// One upstream.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LaneFigures {
    /// Its name.
    pub name: String,
    /// The model it serves.
    pub model: String,
    /// `open`, `limited`, `paused` or `probing`.
    pub state: String,
    /// Why it is not open.
    pub reason: Option<String>,
    /// Requests a minute.
    pub requests_per_minute: GaugeFigures,
    /// Tokens a minute.
    pub tokens_per_minute: GaugeFigures,
    /// Input tokens a minute.
    pub input_tokens_per_minute: GaugeFigures,
    /// Output tokens a minute.
    pub output_tokens_per_minute: GaugeFigures,
    /// Calls in flight.
    pub in_flight: u64,
    /// The most at once.
    pub max_concurrent: u64,
}

/// Use of one budget over the sliding minute.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub struct GaugeFigures {
    /// `None`: not limited.
    pub limit: Option<u64>,
    /// Charges still alive.
    pub used: u64,
    /// Estimates of calls in flight.
    pub reserved: u64,
}

impl Client {
    /// Tells the queue's figures as they change, at most once a second, until the receiver is
    /// gone. A connection that is lost is told, and made again.
    ///
    /// # Errors
    /// When the server refuses (the key is no admin's, say), or does not answer the first question.
    pub async fn follow_queue(&self, news: mpsc::Sender<QueueNews>) -> Result<(), ClientError> {
        let mut seen = false;
        loop {
            let told = match self.queue().await {
                Ok(figures) => {
                    seen = true;
                    QueueNews::Figures(figures)
                }
                Err(error @ (ClientError::Unreachable { .. } | ClientError::Lost { .. })) if seen => {
                    QueueNews::Lost(error.to_string())
                }
                Err(error) => return Err(error),
            };
            let is_there = matches!(told, QueueNews::Figures(_));
            if news.send(told).await.is_err() {
                return Ok(());
            }
            if is_there
                && let Ok(Some(socket)) = self.socket(&json!({ "type": "subscribe", "scope": "queue" })).await
                && relay(socket, &news).await.is_err()
            {
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// `GET /api/admin/requests`: the latest `limit` requests of all users, newest first.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn latest_requests(&self, limit: u32) -> Result<Value, ClientError> {
        self.json(self.call(reqwest::Method::GET, &format!("/api/admin/requests?limit={limit}"))).await
    }

    /// `POST /api/admin/queue/pause` or `resume`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn set_paused(&self, paused: bool) -> Result<Value, ClientError> {
        let verb = if paused { "pause" } else { "resume" };
        self.json(self.call(reqwest::Method::POST, &format!("/api/admin/queue/{verb}"))).await
    }
}

/// Nobody listens any more.
struct Gone;

/// Passes figures on until the socket breaks off or falls quiet.
async fn relay(mut socket: Socket, news: &mpsc::Sender<QueueNews>) -> Result<(), Gone> {
    while let Ok(Some(text)) = tokio::time::timeout(QUIET_MAX, socket.next()).await {
        let Ok(message) = serde_json::from_str::<Value>(&text) else { continue };
        match message["type"].as_str() {
            Some("queue") => news.send(QueueNews::Figures(message)).await.map_err(|_| Gone)?,
            Some("error") => return Ok(()),
            _ => {}
        }
    }
    Ok(())
}
