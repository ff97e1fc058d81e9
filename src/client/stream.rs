//! The events of one request.

use serde::Deserialize;
use serde_json::json;

use super::connection::Client;
use super::problem::ClientError;
use super::socket::Socket;
use super::status::Progress;

/// A subscription to one request.
pub(super) struct Stream(Socket);

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
        #[serde(default)]
        paused: bool,
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
        Ok(self.socket(&json!({ "type": "subscribe", "requestId": id })).await?.map(Stream))
    }
}

impl Stream {
    /// The next news; `None` when the stream has broken off.
    pub(super) async fn next(&mut self) -> Option<Said> {
        loop {
            let text = self.0.next().await?;
            let Ok(sent) = serde_json::from_str::<Sent>(&text) else { continue };
            return Some(match sent {
                Sent::Position { position, estimated_wait_seconds, paused } => {
                    Said::Progress(Progress::Queued { position, estimated_wait_seconds, paused })
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
