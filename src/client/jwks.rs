//! Fetching the operator's key set.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use super::roots;
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
        let client = roots::build(|| reqwest::Client::builder().timeout(TIME_MAX).https_only(is_secure))?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::body::{Bytes, Incoming};
    use hyper::service::service_fn;
    use hyper::{Request, Response};
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;

    /// What is fetched from a server that answers one call like this.
    async fn fetched(status: u16, body: Vec<u8>) -> Result<String, String> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks?secret=s3cret", listener.local_addr().unwrap());
        let body = Bytes::from(body);
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(move |_: Request<Incoming>| {
                let body = Full::new(body.clone());
                async move { Response::builder().status(status).body(body) }
            });
            let http = hyper::server::conn::http1::Builder::new();
            // The client may go away before the end of an answer that is too long.
            drop(http.serve_connection(TokioIo::new(stream), service).await);
        });
        JwksUrl::new(url).unwrap().fetch().await
    }

    #[tokio::test]
    async fn a_key_set_is_fetched_within_bounds_and_its_url_is_never_told() {
        assert_eq!(fetched(200, b"{\"keys\":[]}".to_vec()).await, Ok("{\"keys\":[]}".to_owned()));
        for (status, body) in
            [(500, Vec::new()), (404, Vec::new()), (200, vec![b' '; BYTES_MAX + 1]), (200, vec![0xFF])]
        {
            let reason = fetched(status, body).await.unwrap_err();
            assert!(!reason.contains("s3cret"), "{reason}");
        }
        let nobody = JwksUrl::new("http://127.0.0.1:1/jwks?secret=s3cret".to_owned()).unwrap();
        let reason = nobody.fetch().await.unwrap_err();
        assert!(!reason.contains("s3cret") && reason.len() > 20, "{reason}");
    }
}
