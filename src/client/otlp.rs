//! Posting traces to a collector: OTLP over HTTP, as protobuf.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, Url};

use crate::telemetry::spans::Refused;

use super::roots;

/// One post, from the look-up of the collector's name to the end of its answer.
const TIME_MAX: Duration = Duration::from_secs(10);
/// What is added to the endpoint.
const PATH: &str = "v1/traces";

/// A collector.
#[derive(Clone, Debug)]
pub struct Collector {
    client: Client,
    url: Url,
}

impl Collector {
    /// The collector at `endpoint`, the address without `/v1/traces`; `headers` go with every post.
    ///
    /// # Errors
    /// Half a sentence, when these can never work.
    pub fn new(endpoint: &str, headers: &[(String, String)]) -> Result<Self, String> {
        let base = endpoint.trim_end_matches('/');
        let url = Url::parse(&format!("{base}/{PATH}")).map_err(|reason| reason.to_string())?;
        let mut sent = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().map_err(|_| "a header's name is none".to_owned())?;
            let mut value =
                HeaderValue::from_str(value).map_err(|_| "a header's value cannot be sent".to_owned())?;
            value.set_sensitive(true);
            sent.insert(name, value);
        }
        sent.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        let is_plain = url.scheme() == "http";
        let builder = || {
            Client::builder()
                .user_agent(concat!("diagramd/", env!("CARGO_PKG_VERSION")))
                .default_headers(sent.clone())
                // A header with a password follows nobody.
                .redirect(reqwest::redirect::Policy::none())
                .timeout(TIME_MAX)
        };
        let client = if is_plain { builder().tls_certs_only([]).build() } else { roots::build(builder) };
        Ok(Self { client: client.map_err(|reason| reason.without_url().to_string())?, url })
    }

    /// Posts a batch.
    ///
    /// # Errors
    /// [`Refused`], with what the protocol says of a further try.
    pub async fn post(self, body: Vec<u8>) -> Result<(), Refused> {
        let answer = self
            .client
            .post(self.url)
            .body(body)
            .send()
            .await
            .map_err(|reason| Refused { reason: innermost(&reason), again: Some(Duration::ZERO) })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        let asked =
            answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let is_passing = matches!(status.as_u16(), 429 | 502 | 503 | 504);
        let again = is_passing.then(|| Duration::from_secs(asked.unwrap_or(0)));
        Err(Refused { reason: format!("it answers {}", status.as_u16()), again })
    }
}

/// What happened, without the address.
fn innermost(reason: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = reason;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    if reason.is_timeout() { "it does not answer in time".to_owned() } else { cause.to_string() }
}
