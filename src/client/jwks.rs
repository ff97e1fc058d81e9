//! Fetching the operator's key set.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use crate::http::auth::FetchKeys;

/// The longest a fetch may take.
const TIME_MAX: Duration = Duration::from_secs(10);
/// Bytes of a key set.
const BYTES_MAX: usize = 1 << 20;

/// A key set at a URL.
pub struct JwksUrl {
    url: String,
    client: reqwest::Client,
}

impl JwksUrl {
    /// A key set at `url`.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub fn new(url: String) -> reqwest::Result<Self> {
        let client = reqwest::Client::builder().timeout(TIME_MAX).build()?;
        Ok(Self { url, client })
    }

    async fn text(&self) -> reqwest::Result<Result<String, String>> {
        let mut answer = self.client.get(&self.url).send().await?.error_for_status()?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > BYTES_MAX {
                return Ok(Err(format!("the key set is larger than {BYTES_MAX} bytes")));
            }
        }
        Ok(String::from_utf8(bytes).map_err(|_| "the key set is not text".to_owned()))
    }
}

impl FetchKeys for JwksUrl {
    fn fetch(&self) -> Pin<Box<dyn Future<Output = Result<String, String>> + Send + '_>> {
        Box::pin(async { self.text().await.unwrap_or_else(|reason| Err(reason.to_string())) })
    }
}
