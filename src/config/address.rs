//! Addresses as people write them: where to listen, URLs, origins, proxies. Each parser's error
//! completes the sentence `"VALUE" …`.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;

use ipnet::IpNet;
use url::Url;

use super::server::Listen;

/// `host:port` or `unix:/path`.
pub(super) fn listen(text: &str) -> Result<Listen, String> {
    match text.strip_prefix("unix:") {
        Some("") => Err("names no socket; expected unix:/path".to_owned()),
        Some(path) => Ok(Listen::Unix(PathBuf::from(path))),
        None => socket(text).map(Listen::Tcp).map_err(|why| format!("{why} or unix:/path")),
    }
}

/// `host:port`; a name is resolved once, now.
pub(super) fn socket(text: &str) -> Result<SocketAddr, String> {
    let wrong = || "is not an address; expected host:port, such as 127.0.0.1:3000 or [::1]:3000".to_owned();
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    if host == "localhost" {
        return Ok(SocketAddr::from(([127, 0, 0, 1], port)));
    }
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    if host.is_empty() || !host.starts_with(|c: char| c.is_ascii_alphabetic()) || !host.chars().all(is_name) {
        return Err(wrong());
    }
    let mut found = (host, port)
        .to_socket_addrs()
        .map_err(|error| format!("cannot be resolved: {error}; expected host:port"))?;
    found.next().ok_or_else(wrong)
}

/// An http or https URL without credentials, query or fragment; no slash at its end.
pub(super) fn base_url(text: &str) -> Result<String, String> {
    let url = web_url(text)?;
    if url.query().is_some() || url.fragment().is_some() {
        return Err("has a query or a fragment; expected only scheme, host and path".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// An http or https URL to call, as it stands.
pub(super) fn target_url(text: &str) -> Result<String, String> {
    web_url(text).map(|url| url.to_string())
}

fn web_url(text: &str) -> Result<Url, String> {
    let wrong = "is not a URL; expected http://host or https://host";
    let url = Url::parse(text).map_err(|_| wrong.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(wrong.to_owned());
    }
    if has_credentials(text) {
        return Err("has a user name or a password in it; expected a URL without".to_owned());
    }
    Ok(url)
}

/// Whether the text is a URL with a user name or a password, which no message may quote.
pub(super) fn has_credentials(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| !url.username().is_empty() || url.password().is_some())
}

/// Exactly what browsers send as `Origin`: scheme, host, a port other than the scheme's own.
pub(super) fn origin(text: &str) -> Result<String, String> {
    if text == "*" {
        return Err(
            "would let every web page call the API; list the exact origins, such as https://app.example.com"
                .to_owned(),
        );
    }
    let url = web_url(text)
        .map_err(|_| "is not an origin; expected https://host or https://host:port".to_owned())?;
    let exact = url.origin().ascii_serialization();
    if exact != text {
        return Err(format!("is not an exact origin; browsers send {exact:?}"));
    }
    Ok(exact)
}

/// A CIDR, or one address.
pub(super) fn network(text: &str) -> Result<IpNet, String> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| "is not a network; expected a CIDR such as 10.0.0.0/8 or one address".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_addresses() {
        assert_eq!(listen("[::1]:0"), Ok(Listen::Tcp("[::1]:0".parse().unwrap())));
        assert_eq!(listen("localhost:80"), Ok(Listen::Tcp("127.0.0.1:80".parse().unwrap())));
        assert_eq!(listen("unix:/run/d.sock"), Ok(Listen::Unix("/run/d.sock".into())));
        for bad in ["", ":3000", "127.0.0.1", "127.0.0.1:99999", "999.0.0.1:80", "unix:", "http://x:80"] {
            assert!(listen(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_is_exact() {
        assert_eq!(origin("https://app.example.com:8443").unwrap(), "https://app.example.com:8443");
        for bad in
            ["*", "https://a.example/", "https://a.example:443", "HTTPS://a.example", "a.example", "null"]
        {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn urls_lose_their_last_slash_and_may_hold_no_password() {
        assert_eq!(base_url("https://a.example/api/").unwrap(), "https://a.example/api");
        assert!(base_url("https://u:p@a.example").is_err());
        assert!(base_url("ftp://a.example").is_err());
    }
}
