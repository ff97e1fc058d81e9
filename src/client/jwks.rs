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
        // A key set that came in the clear could be anybody's; the configuration allows that only
        // where it says so itself.
        let is_secure = url.starts_with("https://");
        let client = reqwest::Client::builder().timeout(TIME_MAX).https_only(is_secure).build()?;
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
        Box::pin(async { self.text().await.unwrap_or_else(|reason| Err(why(reason))) })
    }
}

/// The reason and what stands behind it, without the URL, which may hold a secret.
fn why(reason: reqwest::Error) -> String {
    let reason = reason.without_url();
    let mut text = reason.to_string();
    let mut behind = std::error::Error::source(&reason);
    while let Some(cause) = behind {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        behind = cause.source();
    }
    text
}
