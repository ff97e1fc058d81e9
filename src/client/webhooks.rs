//! The API's calls about webhooks, one function each; answers are as the server sent them.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::segment;
use super::connection::Client;
use super::problem::ClientError;

const PATH: &str = "/api/webhooks";

impl Client {
    /// `GET /api/webhooks`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn webhook(&self) -> Result<Value, ClientError> {
        self.json(self.call(Method::GET, PATH)).await
    }

    /// `PUT /api/webhooks`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn set_webhook(&self, url: &str) -> Result<Value, ClientError> {
        self.json(self.call(Method::PUT, PATH).json(&json!({ "url": url }))).await
    }

    /// `DELETE /api/webhooks`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn unset_webhook(&self) -> Result<Value, ClientError> {
        self.json(self.call(Method::DELETE, PATH)).await
    }

    /// `POST /api/webhooks/rotate`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn rotate_webhook_secret(&self) -> Result<Value, ClientError> {
        self.json(self.call(Method::POST, &format!("{PATH}/rotate"))).await
    }

    /// `POST /api/webhooks/test`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn test_webhook(&self) -> Result<Value, ClientError> {
        self.json(self.call(Method::POST, &format!("{PATH}/test"))).await
    }

    /// `GET /api/webhooks/deliveries`: the newest, of one state when `status` is given.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn deliveries(&self, status: Option<&str>, limit: u32) -> Result<Value, ClientError> {
        let status = status.map(|status| format!("&status={status}")).unwrap_or_default();
        self.json(self.call(Method::GET, &format!("{PATH}/deliveries?limit={limit}{status}"))).await
    }

    /// `GET /api/webhooks/deliveries/{id}`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn delivery(&self, id: &str) -> Result<Value, ClientError> {
        self.json(self.call(Method::GET, &format!("{PATH}/deliveries/{}", segment(id)))).await
    }

    /// `POST /api/webhooks/deliveries/{id}/redeliver`.
    ///
    /// # Errors
    /// What the server refuses, or no answer.
    pub async fn redeliver(&self, id: &str) -> Result<Value, ClientError> {
        self.json(self.call(Method::POST, &format!("{PATH}/deliveries/{}/redeliver", segment(id)))).await
    }
}
