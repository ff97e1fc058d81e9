//! Is a server ready for work? `GET /readyz`.

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;

use super::connection::Client;
use super::problem::ClientError;

/// A server that takes longer to say so is not ready: the server itself gives the database 2 s.
const ANSWER_MAX: Duration = Duration::from_secs(5);

impl Client {
    /// `GET /readyz`, as the server sent it.
    ///
    /// # Errors
    /// What keeps the server from its work, or no answer within five seconds.
    pub async fn ready(&self) -> Result<Value, ClientError> {
        let asked = self.json(self.call(Method::GET, "/readyz"));
        let answer: Value = tokio::time::timeout(ANSWER_MAX, asked)
            .await
            .map_err(|_| self.silent(format!("no answer within {} s", ANSWER_MAX.as_secs())))??;
        match answer["status"].as_str() {
            Some("ready") => Ok(answer),
            _ => Err(self.foreign("something else than whether it is ready".to_owned())),
        }
    }
}
