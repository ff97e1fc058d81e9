//! Links that sign in: where they lead, and who is told of them.

use std::io::Write;
use std::net::{IpAddr, SocketAddr};

use anyhow::Context;

use crate::accounts::{Accounts, Link};
use crate::config::{Config, Listen};

/// The page of a link: the operator's for an admin, else the front page. What stands behind `#`
/// never reaches a server or its logs. `server`: as [`server_url`] gives it.
pub fn link_url(server: &str, link: &Link) -> String {
    let page = if link.is_admin { "/admin" } else { "/" };
    format!("{server}{page}#link={}", link.token)
}

/// Where a person's browser finds the server, as far as the configuration says; empty when it
/// listens on a Unix socket and nothing is said of the proxy in front.
pub fn server_url(config: &Config) -> String {
    match &config.server.listen {
        _ if !config.server.public_url.is_empty() => config.server.public_url.clone(),
        Listen::Tcp(address) => browsable(*address),
        Listen::Unix(_) => String::new(),
    }
}

/// As [`server_url`], for a server that listens at `address` (its port may have been chosen by
/// the system).
pub(super) fn served_url(config: &Config, address: &str) -> String {
    let bound = address.strip_prefix("http://").and_then(|bound| bound.parse().ok());
    match bound {
        Some(bound) if config.server.public_url.is_empty() => browsable(bound),
        _ => server_url(config),
    }
}

/// On the first start, and until there is an operator: prints the link to become one, on standard
/// output and not in the log.
pub(super) async fn offer_setup(accounts: &Accounts, server: &str) -> anyhow::Result<()> {
    let accounts = accounts.clone();
    let link = tokio::task::spawn_blocking(move || accounts.make_setup_link());
    let link = link.await.context("the setup link was not made")?;
    let Some(link) = link.context("the setup link could not be stored")? else { return Ok(()) };
    let text = format!(
        "\nNobody can open the operator's page yet. This link makes the first admin, once, until {}:\n\n  {}\n\nAnother comes with the next start; or run `diagramd user set-password NAME --admin`.\n",
        link.expires_at,
        link_url(server, &link)
    );
    // A closed standard output is no reason not to serve.
    if let Err(reason) = writeln!(std::io::stdout(), "{text}") {
        tracing::warn!(%reason, "the setup link could not be printed");
    }
    Ok(())
}

/// An address that listens everywhere is reached on this machine by its name.
fn browsable(address: SocketAddr) -> String {
    let is_any = match address.ip() {
        IpAddr::V4(ip) => ip.is_unspecified(),
        IpAddr::V6(ip) => ip.is_unspecified(),
    };
    if is_any { format!("http://localhost:{}", address.port()) } else { format!("http://{address}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Timestamp;

    #[test]
    fn links_lead_where_a_browser_gets() {
        assert_eq!(browsable("0.0.0.0:3000".parse().unwrap()), "http://localhost:3000");
        assert_eq!(browsable("[::]:80".parse().unwrap()), "http://localhost:80");
        assert_eq!(browsable("127.0.0.1:1".parse().unwrap()), "http://127.0.0.1:1");
        let link = |is_admin| Link { token: "t".to_owned(), is_admin, expires_at: Timestamp(0) };
        assert_eq!(link_url("https://d.example", &link(true)), "https://d.example/admin#link=t");
        assert_eq!(link_url("", &link(false)), "/#link=t");
    }
}
