//! `[traces]`: where spans go, and how many.

use super::address;
use super::alerts::a_share;
use super::reader::Section;
use super::secret::{self, Secret};

/// The most headers.
const HEADERS_MAX: usize = 20;

/// `[traces]`.
#[derive(Clone, Debug)]
pub struct Traces {
    /// The collector, without `/v1/traces`; `None`: nothing is sent.
    pub endpoint: Option<String>,
    /// Headers that go with every post, as `name=value` with commas between.
    pub headers: Option<Secret>,
    /// The share that is recorded of the traces that begin here.
    pub sample_ratio: f64,
    /// `service.name`.
    pub service_name: String,
}

impl Traces {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let headers = secret::read(section, "headers");
        if headers.as_ref().is_some_and(|headers| pairs(headers.expose()).is_none()) {
            // The value is a secret and stays out of the message.
            section.fault("headers", "are not headers; expected name=value, with commas between");
        }
        Self {
            endpoint: section.parsed("endpoint", address::base_url),
            headers,
            sample_ratio: a_share(section, "sample_ratio", 1.0),
            service_name: section.text("service_name", "diagramd"),
        }
    }

    /// The headers, as names and values.
    pub fn header_pairs(&self) -> Vec<(String, String)> {
        self.headers.as_ref().and_then(|headers| pairs(headers.expose())).unwrap_or_default()
    }
}

/// `name=value,name=value`, as OpenTelemetry's own variables have it; `None` when it is not that.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let is_name = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    let is_value = |value: &str| !value.is_empty() && value.bytes().all(|byte| (0x20..0x7f).contains(&byte));
    let pair = |part: &str| {
        let (name, value) = part.split_once('=')?;
        let (name, value) = (name.trim(), value.trim());
        (is_name(name) && is_value(value)).then(|| (name.to_owned(), value.to_owned()))
    };
    let pairs: Option<Vec<_>> =
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(pair).collect();
    pairs.filter(|pairs| (1..=HEADERS_MAX).contains(&pairs.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_pairs_and_nothing_else() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs("a=1, x-key = b=c ,"), Some(vec![pair("a", "1"), pair("x-key", "b=c")]));
        for bad in ["", ",", "a", "a=", "=1", "a b=1", "a=1\nb=2", "a=é"] {
            assert_eq!(pairs(bad), None, "{bad:?}");
        }
    }
}
