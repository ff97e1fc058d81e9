//! The address that a webhook goes to, as somebody typed it: checked before it is stored, and once
//! more before anything is sent. Names are looked up only then.

use std::net::IpAddr;

use url::{Host, Url};

use super::address;

/// The longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2048;
/// Ports below this belong to services that are no web servers, but for 80 and 443.
const FREE_PORTS_FROM: u16 = 1024;

/// How far webhooks may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The internet's addresses by https.
    Public,
    /// Private ones too, and plain http: the operator allows it, or it is for trying out.
    Anywhere,
}

impl Reach {
    /// Whether something may be sent to this address.
    pub fn allows(self, to: IpAddr) -> bool {
        match self {
            Self::Public => address::is_public(to),
            Self::Anywhere => !address::is_nobody(to),
        }
    }
}

/// An address that may be sent to, as far as that is known without looking its name up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

/// Why an address is refused. Each is a sentence for whoever typed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadTarget {
    /// It is longer than [`URL_BYTES_MAX`].
    #[error("Must have at most 2048 bytes.")]
    TooLong,
    /// It is no URL of the web.
    #[error("Must be a URL such as https://example.com/hooks.")]
    NoUrl,
    /// It is not https.
    #[error("Must begin with https://; what is sent could be read on its way otherwise.")]
    NotSecure,
    /// It holds a user name or a password.
    #[error("Must not hold a user name or a password; messages are signed instead.")]
    Credentials,
    /// It holds a part that is never sent.
    #[error("Must not have a part after a #; it is never sent.")]
    Fragment,
    /// The port is another service's.
    #[error("Must name the port 80, 443 or one from 1024 on, or none.")]
    Port,
    /// It names an address that is not the internet's.
    #[error("Must name an address of the internet; private addresses are not sent to.")]
    Private,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// [`BadTarget`] for what may not be sent to, a private address written out among it. What a name
    /// stands for is only known when something is sent.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, BadTarget> {
        if text.len() > URL_BYTES_MAX {
            return Err(BadTarget::TooLong);
        }
        // The parser drops blanks and line ends; what is stored is to be what was typed.
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(BadTarget::NoUrl);
        }
        let url = Url::parse(text).map_err(|_| BadTarget::NoUrl)?;
        match (url.scheme(), reach) {
            ("https", _) | ("http", Reach::Anywhere) => {}
            ("http", Reach::Public) => return Err(BadTarget::NotSecure),
            _ => return Err(BadTarget::NoUrl),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::Credentials);
        }
        if url.fragment().is_some() {
            return Err(BadTarget::Fragment);
        }
        if !may_use(url.port(), reach) {
            return Err(BadTarget::Port);
        }
        let target = Self(url);
        if target.host().is_none() {
            return Err(BadTarget::NoUrl);
        }
        match target.address() {
            Some(written) if !reach.allows(written) => Err(BadTarget::Private),
            // On a public server the names of this machine mean this machine.
            None if reach == Reach::Public && target.is_local_name() => Err(BadTarget::Private),
            _ => Ok(target),
        }
    }

    /// The address itself.
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Scheme, host and port: all of it that may be shown to others, for a path may hold a secret.
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// The IP address, when it is written out and not a name.
    pub fn address(&self) -> Option<IpAddr> {
        match self.host()? {
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
            Host::Domain(_) => None,
        }
    }

    fn host(&self) -> Option<Host<&str>> {
        self.0.host().filter(|host| !matches!(host, Host::Domain("")))
    }

    fn is_local_name(&self) -> bool {
        let name = self.0.host_str().unwrap_or_default().trim_end_matches('.');
        name == "localhost" || name.ends_with(".localhost")
    }
}

fn may_use(port: Option<u16>, reach: Reach) -> bool {
    match (port, reach) {
        (None | Some(80 | 443), _) => true,
        (Some(port), Reach::Public) => port >= FREE_PORTS_FROM,
        (Some(port), Reach::Anywhere) => port != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_internet_by_https_unless_all_is_allowed() {
        for (text, public, anywhere) in [
            ("https://example.com/hooks?a=b", Ok(()), Ok(())),
            ("https://example.com:8443/", Ok(()), Ok(())),
            ("https://8.8.8.8/", Ok(()), Ok(())),
            ("https://[2606:4700::1111]/", Ok(()), Ok(())),
            ("http://example.com/", Err(BadTarget::NotSecure), Ok(())),
            ("http://127.0.0.1:9/", Err(BadTarget::NotSecure), Ok(())),
            ("https://example.com:25/", Err(BadTarget::Port), Ok(())),
            ("https://example.com:0/", Err(BadTarget::Port), Err(BadTarget::Port)),
            ("https://127.0.0.1/", Err(BadTarget::Private), Ok(())),
            // The same address, as browsers read it too.
            ("https://2130706433/", Err(BadTarget::Private), Ok(())),
            ("https://0x7f.1/", Err(BadTarget::Private), Ok(())),
            ("https://0177.0.0.1/", Err(BadTarget::Private), Ok(())),
            ("https://127.1/", Err(BadTarget::Private), Ok(())),
            ("https://１２７.0.0.1/", Err(BadTarget::Private), Ok(())),
            ("https://[::1]/", Err(BadTarget::Private), Ok(())),
            ("https://[::ffff:10.0.0.1]/", Err(BadTarget::Private), Ok(())),
            ("https://[fd00::1]/", Err(BadTarget::Private), Ok(())),
            ("https://169.254.169.254/latest", Err(BadTarget::Private), Ok(())),
            ("https://localhost/", Err(BadTarget::Private), Ok(())),
            ("https://LOCALHOST./", Err(BadTarget::Private), Ok(())),
            ("https://a.localhost/", Err(BadTarget::Private), Ok(())),
            ("https://0.0.0.0/", Err(BadTarget::Private), Err(BadTarget::Private)),
            ("https://255.255.255.255/", Err(BadTarget::Private), Err(BadTarget::Private)),
            ("https://me@example.com/", Err(BadTarget::Credentials), Err(BadTarget::Credentials)),
            ("https://me:pw@example.com/", Err(BadTarget::Credentials), Err(BadTarget::Credentials)),
            ("https://example.com/#part", Err(BadTarget::Fragment), Err(BadTarget::Fragment)),
            ("ftp://example.com/", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
            ("file:///etc/passwd", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
            ("javascript:alert(1)", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
            ("https://exam\nple.com/", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
            ("https:///", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
            ("example.com", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
            ("", Err(BadTarget::NoUrl), Err(BadTarget::NoUrl)),
        ] {
            assert_eq!(Target::parse(text, Reach::Public).map(drop), public, "{text}");
            assert_eq!(Target::parse(text, Reach::Anywhere).map(drop), anywhere, "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(URL_BYTES_MAX));
        assert_eq!(Target::parse(&long, Reach::Public), Err(BadTarget::TooLong));
    }

    #[test]
    fn others_see_no_path() {
        let target = Target::parse("https://example.com:8443/secret?token=x", Reach::Public).unwrap();
        assert_eq!(target.origin(), "https://example.com:8443");
    }
}
