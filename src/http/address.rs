//! Where does a call come from? The peer, or whom a trusted proxy names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::HeaderMap;
use ipnet::IpNet;

use super::api::ClientAddress;

/// Who is at the other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// By TCP.
    Tcp(IpAddr),
    /// By a Unix socket: someone on this machine, and a trusted proxy.
    Unix,
}

impl Peer {
    fn address(self) -> IpAddr {
        match self {
            Self::Tcp(address) => address.to_canonical(),
            Self::Unix => IpAddr::V4(Ipv4Addr::LOCALHOST),
        }
    }
}

/// The address of the client: reads `X-Forwarded-For` from the right for as long as the hop that
/// wrote it is trusted. What an untrusted hop wrote is never believed.
pub fn client(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> ClientAddress {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|net| net.contains(address));
    let mut address = peer.address();
    if peer != Peer::Unix && !is_trusted(&address) {
        return ClientAddress(address);
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let hops = lines.flat_map(|line| line.to_str().unwrap_or("").rsplit(','));
    for hop in hops {
        let Some(hop) = parse(hop.trim()) else { break };
        address = hop;
        if !is_trusted(&hop) {
            break;
        }
    }
    ClientAddress(address)
}

/// Whether the client speaks https to the proxy in front of us; what no trusted proxy says is not
/// believed.
pub fn is_https(peer: Peer, headers: &HeaderMap, trusted: &[IpNet]) -> bool {
    let is_trusted = peer == Peer::Unix || trusted.iter().any(|net| net.contains(&peer.address()));
    let said = headers.get_all("x-forwarded-proto").iter().next_back().and_then(|line| line.to_str().ok());
    let nearest = said.and_then(|line| line.rsplit(',').next()).map(str::trim);
    is_trusted && nearest.is_some_and(|scheme| scheme.eq_ignore_ascii_case("https"))
}

/// An address, with or without a port or brackets.
fn parse(hop: &str) -> Option<IpAddr> {
    let bare = hop.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(hop);
    let address = bare.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|socket| socket.ip()))?;
    Some(IpAddr::to_canonical(&address))
}

impl ClientAddress {
    /// What is limited as one: an IPv4 address, or the /64 that one IPv6 customer gets.
    pub fn limited_as(self) -> IpAddr {
        match self.0 {
            IpAddr::V4(_) => self.0,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client_of(peer: &str, forwarded: &[&'static str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let peer = if peer == "unix" { Peer::Unix } else { Peer::Tcp(peer.parse().unwrap()) };
        client(peer, &headers, &trusted).0.to_string()
    }

    #[test]
    fn only_trusted_hops_are_believed_and_from_the_right() {
        assert_eq!(client_of("192.0.2.1", &["198.51.100.7"]), "192.0.2.1", "the peer is no proxy");
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
        assert_eq!(
            client_of("10.0.0.1", &["6.6.6.6, 198.51.100.7"]),
            "198.51.100.7",
            "the left one is a lie"
        );
        assert_eq!(client_of("10.0.0.1", &["198.51.100.7, 10.0.0.9"]), "198.51.100.7");
        assert_eq!(client_of("10.0.0.1", &["6.6.6.6", "198.51.100.7"]), "198.51.100.7", "two lines are one");
        assert_eq!(client_of("10.0.0.1", &["198.51.100.7, nonsense"]), "10.0.0.1");
        assert_eq!(client_of("::ffff:10.0.0.1", &["198.51.100.7:4711"]), "198.51.100.7");
        assert_eq!(client_of("fd00::1", &["[2001:db8::5]:80"]), "2001:db8::5");
        assert_eq!(client_of("unix", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(client_of("unix", &[]), "127.0.0.1");
    }

    #[test]
    fn only_a_trusted_proxy_says_that_the_client_speaks_https() {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        for (peer, said, secure) in [
            ("10.0.0.1", "https", true),
            ("10.0.0.1", "http, HTTPS", true),
            ("10.0.0.1", "https, http", false),
            ("10.0.0.1", "http", false),
            ("192.0.2.1", "https", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-proto", said.parse().unwrap());
            assert_eq!(
                is_https(Peer::Tcp(peer.parse().unwrap()), &headers, &trusted),
                secure,
                "{peer} {said}"
            );
        }
        assert!(!is_https(Peer::Unix, &HeaderMap::new(), &trusted));
    }

    #[test]
    fn an_ipv6_customer_is_one_address() {
        let address = |text: &str| ClientAddress(text.parse().unwrap()).limited_as();
        assert_eq!(address("2001:db8::1"), address("2001:db8::2:3:4:5"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_ne!(address("192.0.2.1"), address("192.0.2.2"));
    }
}
