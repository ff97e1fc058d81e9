//! The API's calls, one function each.

use reqwest::Method;
use serde_json::{Value, json};

use super::connection::Client;
use super::problem::ClientError;
use super::status::{Accepted, Status};
use crate::domain::DiagramType;

impl Client {
    /// `POST /api/diagram/generate`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn generate(&self, prompt: &str, diagram_type: DiagramType) -> Result<Accepted, ClientError> {
        let body = json!({ "prompt": prompt, "diagramType": diagram_type });
        self.json(self.call(Method::POST, "/api/diagram/generate").json(&body)).await
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

/// An id as one path segment: what is no letter, digit or underscore is escaped.
fn segment(id: &str) -> String {
    form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20")
}
