//! `diagramd key …`: works on the data directory, whether a server runs or not.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::exit::UsageError;
use super::input::Sources;
use super::output::{self, or_dash};
use crate::app;
use crate::config::units;
use crate::domain::user::{ApiKey, Role, valid_user_name};
use crate::domain::{KeyId, Tier, Timestamp};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Make a key and print it; it is never shown again
    Create(Create),
    /// List all keys
    List(List),
    /// Revoke a key, at once and for ever
    Revoke(Revoke),
}

#[derive(Args, Debug)]
pub(super) struct Create {
    /// Whose key; the user is made if there is none of that name
    #[arg(long, value_name = "NAME")]
    user: String,
    /// The user's tier: free, basic, pro or enterprise [default: as it is, free for a new user]
    #[arg(long, value_name = "TIER")]
    tier: Option<Tier>,
    /// May do everything, not only the user's own requests
    #[arg(long)]
    admin: bool,
    /// Expire after this long, such as 90d or 12h [default: never]
    #[arg(long, value_name = "DURATION")]
    expires: Option<String>,
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct Revoke {
    /// The key's id (key_…), as `key list` shows it
    id: String,
}

impl Verb {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        match self {
            Self::Create(verb) => verb.run(sources),
            Self::List(verb) => verb.run(sources),
            Self::Revoke(verb) => verb.run(sources),
        }
    }
}

impl Create {
    fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let expires_at = self.expires.as_deref().map(expiry).transpose()?;
        if !valid_user_name(&self.user) {
            let message = format!(
                "{:?} cannot be a user name; use 1 to 128 bytes without '/' and without space at its ends",
                self.user
            );
            return Err(UsageError(message).into());
        }
        let role = if self.admin { Role::Admin } else { Role::User };
        let accounts = app::open_accounts(&sources.load(Vec::new())?.config)?;
        let user = accounts.user(&self.user)?;
        if user.as_ref().is_some_and(|user| user.disabled_at.is_some()) {
            anyhow::bail!(
                "{} is disabled, and a key of a disabled user opens nothing; enable the user first: diagramd user enable {0:?}",
                self.user
            );
        }
        let issued = accounts.create_key(&self.user, self.tier, role, expires_at)?;
        if let (Some(user), Some(tier)) = (user, self.tier)
            && user.tier != tier
        {
            eprintln!("notice: {} moved from {} to {tier}", user.name, user.tier);
        }
        eprintln!("{} for {} ({}); it is not shown again", issued.key.id, issued.key.user_name, role.name());
        output::line(&issued.text)
    }
}

fn expiry(text: &str) -> Result<Timestamp, UsageError> {
    match units::parse_duration(text).filter(|duration| !duration.is_zero()) {
        Some(duration) => Ok(Timestamp(jiff::Timestamp::now().as_millisecond()).after(duration)),
        None => Err(UsageError(format!(
            "--expires {text:?} is no time that a key can live; write a number above 0 and m, h or d, such as 90d"
        ))),
    }
}

impl List {
    fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let keys = app::open_accounts(&sources.load(Vec::new())?.config)?.keys()?;
        if self.json {
            return output::json(&keys.iter().map(object).collect::<Vec<Value>>());
        }
        let rows: Vec<[String; 7]> = keys.iter().map(row).collect();
        output::table(["ID", "USER", "ROLE", "PREFIX", "CREATED", "EXPIRES", "STATE"], &rows)
    }
}

fn object(key: &ApiKey) -> Value {
    json!({
        "id": key.id,
        "user": key.user_name,
        "role": key.role,
        "prefix": key.prefix,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "lastUsedAt": key.last_used_at,
        "revokedAt": key.revoked_at,
    })
}

fn row(key: &ApiKey) -> [String; 7] {
    let state = match (key.revoked_at, key.last_used_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) => format!("used {at}"),
        (None, None) => "never used".to_owned(),
    };
    [
        key.id.to_string(),
        key.user_name.clone(),
        key.role.name().to_owned(),
        key.prefix.clone(),
        key.created_at.to_string(),
        or_dash(key.expires_at),
        state,
    ]
}

impl Revoke {
    fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let accounts = app::open_accounts(&sources.load(Vec::new())?.config)?;
        if !accounts.revoke_key(&KeyId(self.id.clone()))? {
            anyhow::bail!("there is no key {:?}; `diagramd key list` shows all of them", self.id);
        }
        output::line(&format!("{} is revoked", self.id))
    }
}
