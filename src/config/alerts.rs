//! `[alerts]`: what the operator is told of, and how.

use std::time::Duration;

use url::Url;

use super::address;
use super::reader::Section;
use super::secret::{self, Secret};

/// `[alerts]`.
#[derive(Clone, Debug)]
pub struct Alerts {
    /// Shares of a limit or budget, rising, each in 0..=1.
    pub thresholds: Vec<f64>,
    /// Age of the oldest waiting request.
    pub queue_age: Duration,
    /// Share of the requests of the last ten minutes that failed; 0: not looked at.
    pub failure_rate: f64,
    /// Share of the disk that should be free; 0: not looked at.
    pub disk_free: f64,
    /// How long before its end a key is named; 0: never.
    pub key_expiry: Duration,
    /// One trouble is told once in so long.
    pub window: Duration,
    /// Where to post; empty: nowhere.
    pub webhook_url: String,
    /// What is posted.
    pub format: AlertFormat,
    /// What messages are signed with: `whsec_` and 24 to 64 bytes in base64.
    pub secret: Option<Secret>,
    /// `[alerts.email]`, when configured.
    pub email: Option<AlertEmail>,
}

/// What the webhook of alerts understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertFormat {
    /// Standard Webhooks: `{type, timestamp, data}`.
    Generic,
    /// Slack, and what takes its messages (Mattermost, Discord's `/slack`): `{text}`.
    Slack,
    /// ntfy: the URL ends with the topic.
    Ntfy,
}

impl AlertFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Generic, Self::Slack, Self::Ntfy];

    /// The name used in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Slack => "slack",
            Self::Ntfy => "ntfy",
        }
    }
}

/// `[alerts.email]`.
#[derive(Clone, Debug)]
pub struct AlertEmail {
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub security: EmailSecurity,
    /// Whom to sign in as; empty: nobody.
    pub user: String,
    /// The password that goes with it.
    pub password: Option<Secret>,
    /// The sender.
    pub from: String,
    /// The recipients.
    pub to: Vec<String>,
}

/// How the connection to a mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmailSecurity {
    /// TLS after `STARTTLS`, and nothing is sent without.
    Starttls,
    /// TLS from the first byte.
    Tls,
    /// Not at all.
    None,
}

impl EmailSecurity {
    /// Every way.
    pub const ALL: [Self; 3] = [Self::Starttls, Self::Tls, Self::None];

    /// The name used in the file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Starttls => "starttls",
            Self::Tls => "tls",
            Self::None => "none",
        }
    }

    /// The port that goes with it.
    const fn port(self) -> u16 {
        match self {
            Self::Starttls => 587,
            Self::Tls => 465,
            Self::None => 25,
        }
    }
}

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);
/// The most thresholds.
const THRESHOLDS_MAX: usize = 10;
/// The most recipients.
const RECIPIENTS_MAX: usize = 20;

impl Alerts {
    pub(super) fn read(section: &Section<'_>) -> Self {
        let thresholds = section.list("thresholds", THRESHOLDS_MAX, share).unwrap_or_else(|| vec![0.8, 0.95]);
        if !thresholds.is_sorted_by(|a, b| a < b) {
            section.fault(
                "thresholds",
                format!("{thresholds:?} does not rise; expected each share to be larger than the one before"),
            );
        }
        let format = section.choice(
            "format",
            AlertFormat::Generic,
            &AlertFormat::ALL.map(|format| (format.name(), format)),
        );
        let webhook_url = section.parsed("webhook_url", address::target_url).unwrap_or_default();
        if format == AlertFormat::Ntfy && !webhook_url.is_empty() && !has_topic(&webhook_url) {
            section.fault(
                "webhook_url",
                "names no topic; with format = \"ntfy\" its path ends with one, as in https://ntfy.sh/topic",
            );
        }
        Self {
            thresholds,
            queue_age: section.duration("queue_age", Duration::from_secs(300), SECOND..=30 * DAY),
            failure_rate: a_share(section, "failure_rate", 0.2),
            disk_free: a_share(section, "disk_free", 0.1),
            key_expiry: section.duration("key_expiry", 7 * DAY, Duration::ZERO..=365 * DAY),
            window: section.duration("window", HOUR, SECOND..=30 * DAY),
            webhook_url,
            format,
            secret: secret::read(section, "secret").filter(|secret| is_signing_secret(section, secret)),
            email: email(&section.section("email")),
        }
    }
}

fn email(section: &Section<'_>) -> Option<AlertEmail> {
    let ways = EmailSecurity::ALL.map(|way| (way.name(), way));
    let security = section.choice("security", EmailSecurity::Starttls, &ways);
    let email = AlertEmail {
        host: section.text("host", ""),
        port: section.integer("port", security.port(), 1..=u16::MAX),
        security,
        user: section.text("user", ""),
        password: secret::read(section, "password"),
        from: section.parsed("from", mailbox).unwrap_or_default(),
        to: section.list("to", RECIPIENTS_MAX, mailbox).unwrap_or_default(),
    };
    if !section.is_present() {
        return None;
    }
    // An address that cannot be read has been told already.
    for (key, is_missing) in [
        ("host", email.host.is_empty()),
        ("from", !section.is_set("from")),
        ("to", email.to.is_empty() && section.get("to").is_none()),
    ] {
        if is_missing {
            section.fault(key, "is missing; e-mail needs host, from and to");
        }
    }
    if email.user.is_empty() != email.password.is_none() {
        section.fault("user", "goes with password; set both, or neither for a server that asks for none");
    }
    if security == EmailSecurity::None && email.password.is_some() {
        section.warn("security", "the password is sent in the clear; use \"starttls\" or \"tls\"");
    }
    Some(email)
}

/// An address, with or without a name before it. Whether mail gets there is the mail server's to say.
fn mailbox(text: &str) -> Result<String, String> {
    let wrong = "is not an e-mail address; expected name@host or \"Name <name@host>\"";
    let address = match text.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').ok_or(wrong)?,
        None => text,
    };
    let (name, host) = address.rsplit_once('@').ok_or(wrong)?;
    let is_bad = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';');
    if name.is_empty() || host.is_empty() || address.chars().any(is_bad) {
        return Err(wrong.to_owned());
    }
    Ok(text.to_owned())
}

fn has_topic(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        url.path_segments().and_then(|mut segments| segments.next_back().map(str::is_empty)) == Some(false)
    })
}

/// Any text of 24 bytes or more in base64, after `whsec_` if that is there; never shown.
fn is_signing_secret(section: &Section<'_>, secret: &Secret) -> bool {
    use base64::Engine;
    let text = secret.expose().trim();
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.strip_prefix("whsec_").unwrap_or(text));
    let is_one = bytes.is_ok_and(|bytes| (24..=64).contains(&bytes.len()));
    if !is_one {
        section.fault("secret", "is not a signing secret; expected whsec_ and 24 to 64 bytes in base64, as `openssl rand -base64 32` makes them");
    }
    is_one
}

pub(super) fn a_share(section: &Section<'_>, key: &str, default: f64) -> f64 {
    let Some(text) = section.decimal(key, "a number from 0 to 1") else { return default };
    match share(&text) {
        Ok(value) => value,
        Err(why) => {
            section.fault(key, format!("{} {why}", section.shown(key)));
            default
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| "is not a share; expected a number from 0 to 1".to_owned())?;
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err("is out of bounds; expected 0 to 1".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mailboxes_and_topics() {
        for good in ["ops@example.com", "Ops <ops@example.com>", "a.b+c@host"] {
            assert_eq!(mailbox(good).unwrap(), good);
        }
        for bad in ["", "ops", "@example.com", "ops@", "ops@a b", "Ops <ops@example.com", "a@b\r\nBcc: c@d"] {
            assert!(mailbox(bad).is_err(), "{bad}");
        }
        assert!(has_topic("https://ntfy.sh/ops") && has_topic("https://a.example/ntfy/ops"));
        assert!(!has_topic("https://ntfy.sh/") && !has_topic("https://ntfy.sh/ops/"));
    }
}
