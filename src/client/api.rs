//! The API's calls, one function each.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Map, Value, json};

use super::connection::Client;
use super::problem::ClientError;
use super::status::{Accepted, Status};
use crate::domain::DiagramType;

/// Pauses before a call is made again whose connection broke: together longer than a restart.
const PAUSES_MS: [u64; 6] = [100, 300, 1000, 2000, 4000, 8000];

/// What to draw.
#[derive(Clone, Debug)]
pub struct GenerateRequest {
    /// The prompt.
    pub prompt: String,
    /// The language.
    pub diagram_type: DiagramType,
    /// The diagram to change.
    pub base_source: Option<String>,
    /// The template to follow, and its variables.
    pub template: Option<(String, Map<String, Value>)>,
}

impl Client {
    /// `POST /api/diagram/generate`. A connection that breaks is made again and the request sent
    /// again: the idempotency key, fresh for every request, makes it one request all the same.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn generate(
        &self,
        request: &GenerateRequest,
        idempotency_key: &str,
    ) -> Result<Accepted, ClientError> {
        let mut body = json!({ "prompt": request.prompt, "diagramType": request.diagram_type });
        if let Some(source) = &request.base_source {
            body["baseSource"] = json!(source);
        }
        if let Some((name, variables)) = &request.template {
            body["template"] = json!(name);
            body["variables"] = json!(variables);
        }
        let send = async || {
            let call = self.call(Method::POST, "/api/diagram/generate");
            self.json(call.header("idempotency-key", idempotency_key).json(&body)).await
        };
        persevere(send, Seen::NotYet).await
    }

    /// `GET /api/diagram/status/{id}`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn status(&self, id: &str) -> Result<Status, ClientError> {
        let value = self.status_json(id).await?;
        serde_json::from_value(value)
            .map_err(|error| self.foreign(format!("a status that is not as expected ({error})")))
    }

    /// The status as the server sent it.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn status_json(&self, id: &str) -> Result<Value, ClientError> {
        self.json(self.call(Method::GET, &format!("/api/diagram/status/{}", segment(id)))).await
    }

    /// `DELETE /api/diagram/cancel/{id}`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn cancel(&self, id: &str) -> Result<Value, ClientError> {
        self.json(self.call(Method::DELETE, &format!("/api/diagram/cancel/{}", segment(id)))).await
    }

    /// `POST /api/diagram/render`: the picture's bytes; `format` is `svg` or `png`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn render(
        &self,
        diagram_type: DiagramType,
        source: &str,
        format: &str,
    ) -> Result<Vec<u8>, ClientError> {
        let body = json!({ "source": source, "diagramType": diagram_type, "format": format });
        self.bytes(self.call(Method::POST, "/api/diagram/render").json(&body)).await
    }

    /// The templates of `GET /api/diagram/templates`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn templates(&self) -> Result<Value, ClientError> {
        Ok(self.json::<Value>(self.call(Method::GET, "/api/diagram/templates")).await?["templates"].take())
    }

    /// `GET /api/diagram/usage`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn usage(&self) -> Result<Value, ClientError> {
        self.json(self.call(Method::GET, "/api/diagram/usage")).await
    }

    /// `GET /api/diagram/queue/status`; for admins.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn queue(&self) -> Result<Value, ClientError> {
        self.json(self.call(Method::GET, "/api/diagram/queue/status")).await
    }

    /// `GET /api/diagram/stats`; for admins. `query` holds `from`, `to` and `groupBy`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn stats(&self, query: &[(&str, &str)]) -> Result<Value, ClientError> {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mark = if query.is_empty() { "" } else { "?" };
        self.json(self.call(Method::GET, &format!("/api/diagram/stats{mark}{query}"))).await
    }
}

/// Whether the server has answered before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    NotYet,
    Before,
}

/// Makes a call that may be made twice again when its connection breaks, and, to a server that was
/// there a moment ago, when none can be made: it is restarting.
pub(super) async fn persevere<T>(
    mut call: impl AsyncFnMut() -> Result<T, ClientError>,
    mut seen: Seen,
) -> Result<T, ClientError> {
    let mut pauses = PAUSES_MS.into_iter().map(Duration::from_millis);
    loop {
        let error = match call().await {
            Err(error @ ClientError::Lost { .. }) => error,
            Err(error @ ClientError::Unreachable { .. }) if seen == Seen::Before => error,
            done => return done,
        };
        seen = Seen::Before;
        match pauses.next() {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return Err(error),
        }
    }
}

/// An id as one path segment: what is no letter, digit or underscore is escaped.
pub(super) fn segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}
