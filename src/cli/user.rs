//! `diagramd user …`: works on the data directory, whether a server runs or not.

use std::io::{IsTerminal, stdin};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::input::Sources;
use super::output::{self, or_dash};
use crate::accounts::{Accounts, PASSWORD_CHARS_MIN};
use crate::app;
use crate::domain::Tier;
use crate::domain::user::{Role, User};

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// List all users
    List(List),
    /// Move a user to a tier
    SetTier(SetTier),
    /// Let a user open the operator's page, or no more
    SetRole(SetRole),
    /// Refuse every credential of a user from now on
    Disable(Named),
    /// Accept the credentials of a disabled user again
    Enable(Named),
    /// Set a user's password: typed without echo, or the first line of standard input
    SetPassword(SetPassword),
    /// Print a link that signs a user in once, within 30 minutes
    Link(Named),
}

#[derive(Args, Debug)]
pub(super) struct List {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args, Debug)]
pub(super) struct SetTier {
    /// The user
    name: String,
    /// free, basic, pro or enterprise
    tier: Tier,
}

#[derive(Args, Debug)]
pub(super) struct SetRole {
    /// The user
    name: String,
    /// user or admin
    #[arg(value_parser = role)]
    role: Role,
}

#[derive(Args, Debug)]
pub(super) struct SetPassword {
    /// The user
    name: String,
    /// Let the user open the operator's page; the user is made if there is none of that name
    #[arg(long)]
    admin: bool,
}

#[derive(Args, Debug)]
pub(super) struct Named {
    /// The user
    name: String,
}

impl Verb {
    pub(super) fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let open = || anyhow::Ok(app::open_accounts(&sources.load(Vec::new())?.config)?);
        match self {
            Self::List(List { json }) => list(&open()?, json),
            Self::SetTier(SetTier { name, tier }) => {
                open()?.set_tier(&name, tier)?.ok_or_else(|| unknown(&name))?;
                output::line(&format!("{name} is in tier {tier}"))
            }
            Self::SetRole(SetRole { name, role }) => set_role(&open()?, &name, role),
            Self::Disable(Named { name }) => {
                open()?.set_disabled(&name, true)?.ok_or_else(|| unknown(&name))?;
                output::line(&format!("{name} is disabled"))
            }
            Self::Enable(Named { name }) => {
                open()?.set_disabled(&name, false)?.ok_or_else(|| unknown(&name))?;
                output::line(&format!("{name} is enabled"))
            }
            Self::SetPassword(SetPassword { name, admin }) => set_password(&open()?, &name, admin),
            Self::Link(Named { name }) => {
                let config = sources.load(Vec::new())?.config;
                let link = app::open_accounts(&config)?.make_link(&name)?.ok_or_else(|| {
                    anyhow::anyhow!("{name:?} is unknown or disabled; `diagramd user list` shows all users")
                })?;
                eprintln!("signs {name} in once, until {}", link.expires_at);
                output::line(&app::link_url(&app::server_url(&config), &link))
            }
        }
    }
}

fn role(text: &str) -> Result<Role, String> {
    let named = [Role::User, Role::Admin].into_iter().find(|role| role.name() == text);
    named.ok_or_else(|| "expected user or admin".to_owned())
}

fn set_role(accounts: &Accounts, name: &str, role: Role) -> anyhow::Result<()> {
    let user = accounts.set_role(name, role)?.ok_or_else(|| unknown(name))?;
    if role == Role::User && accounts.is_operator(&user)? {
        eprintln!(
            "{name} still holds an admin key: `diagramd key list` shows it, `diagramd key revoke ID` ends it"
        );
    }
    output::line(&format!("{name} has the role {}", role.name()))
}

fn set_password(accounts: &Accounts, name: &str, admin: bool) -> anyhow::Result<()> {
    if admin {
        accounts.set_admin_password(name, &password()?)?;
    } else {
        // Nobody types a password for a user that there is not.
        accounts.user(name)?.ok_or_else(|| unknown(name))?;
        if !accounts.set_password(name, &password()?)? {
            return Err(unknown(name));
        }
    }
    output::line(&format!("the password of {name} is set"))
}

fn unknown(name: &str) -> anyhow::Error {
    anyhow::anyhow!("there is no user {name:?}; `diagramd user list` shows all of them")
}

fn list(accounts: &Accounts, json: bool) -> anyhow::Result<()> {
    let users = accounts.users()?;
    let holders = users.iter().map(|user| Ok(!user.is_admin && accounts.is_operator(user)?));
    let holders = holders.collect::<anyhow::Result<Vec<bool>>>()?;
    if json {
        return output::json(&users.iter().map(object).collect::<Vec<Value>>());
    }
    let row = |(user, holds_admin_key): (&User, bool)| {
        let role = user.role().name();
        [
            user.name.clone(),
            user.tier.to_string(),
            user.created_at.to_string(),
            or_dash(user.disabled_at),
            if user.has_password { "yes" } else { "no" }.to_owned(),
            if holds_admin_key { format!("{role}, holds an admin key") } else { role.to_owned() },
        ]
    };
    let rows: Vec<[String; 6]> = users.iter().zip(holders).map(row).collect();
    output::table(["NAME", "TIER", "CREATED", "DISABLED", "PASSWORD", "ROLE"], &rows)
}

fn object(user: &User) -> Value {
    json!({
        "name": user.name,
        "tier": user.tier,
        "createdAt": user.created_at,
        "disabledAt": user.disabled_at,
        "hasPassword": user.has_password,
        "role": user.role(),
    })
}

fn password() -> anyhow::Result<String> {
    let text = if stdin().is_terminal() {
        let text = rpassword::prompt_password("New password: ")?;
        if rpassword::prompt_password("The same again: ")? != text {
            anyhow::bail!("the two passwords differ; nothing was changed");
        }
        text
    } else {
        let mut line = String::new();
        stdin().read_line(&mut line)?;
        line.trim_end_matches(['\r', '\n']).to_owned()
    };
    if text.chars().count() < PASSWORD_CHARS_MIN {
        anyhow::bail!("the password is too short: use at least {PASSWORD_CHARS_MIN} characters");
    }
    Ok(text)
}
