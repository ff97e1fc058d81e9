//! `serve --dev`: one ready key per tier, a line to try, and where to go.

use anyhow::Context;

use crate::accounts::Accounts;
use crate::domain::Tier;
use crate::domain::user::Role;

use super::links::link_url;

/// The developer's admin.
const ADMIN: &str = "dev-admin";

/// Revokes what [`welcome`] has given out: those keys are for trying things out, and a server for
/// others takes none of them.
pub(super) async fn retire(accounts: &Accounts) -> anyhow::Result<()> {
    let accounts = accounts.clone();
    let work = tokio::task::spawn_blocking(move || {
        let names: Vec<String> = Tier::ALL.map(of_tier).into_iter().chain([ADMIN.to_owned()]).collect();
        let keys = accounts.keys()?.into_iter().filter(|key| key.revoked_at.is_none());
        let mut revoked = 0_usize;
        for key in keys.filter(|key| names.contains(&key.user_name)) {
            revoked += usize::from(accounts.revoke_key(&key.id)?);
        }
        Ok::<_, crate::store::StoreError>(revoked)
    });
    let revoked = work.await.context("the keys of development were not revoked")??;
    if revoked > 0 {
        tracing::warn!(
            revoked,
            "the keys that `serve --dev` printed are revoked; make others with `diagramd key create`"
        );
    }
    Ok(())
}

/// The developer's user in a tier.
fn of_tier(tier: Tier) -> String {
    format!("dev-{tier}")
}

/// Makes one key per tier (and one for an admin) and prints them, for this data directory's
/// developer only: on standard output, never in the log.
pub(super) async fn welcome(accounts: &Accounts, address: &str, page: &str) -> anyhow::Result<()> {
    let accounts = accounts.clone();
    let keys = tokio::task::spawn_blocking(move || {
        let make = |tier: Tier, role| accounts.create_key(&of_tier(tier), Some(tier), role, None);
        let tiers: Result<Vec<_>, _> =
            Tier::ALL.into_iter().map(|tier| make(tier, Role::User).map(|key| (tier, key.text))).collect();
        let admin = accounts.create_key(ADMIN, Some(Tier::Enterprise), Role::Admin, None);
        let link = accounts.make_link(ADMIN)?;
        Ok::<_, crate::accounts::AccountError>((tiers?, admin?.text, link))
    });
    let (tiers, admin, link) = keys.await.context("the keys were not made")??;
    let mut text =
        String::from("\ndiagramd is ready, in development mode: keys are printed, do not expose it.\n\n");
    for (tier, key) in &tiers {
        text.push_str(&format!("  {:<11} {key}\n", tier.name()));
    }
    text.push_str(&format!("  {:<11} {admin}\n", "admin"));
    if cfg!(feature = "pages") && address.starts_with("http") {
        text.push_str(&format!("\nThe playground, without a key: {address}/\n"));
    }
    if let Some((_, key)) = tiers.last() {
        // curl takes a socket's path apart from the URL.
        let target = match address.strip_prefix("unix:") {
            Some(path) => format!("--unix-socket {path} http://localhost"),
            None => address.to_owned(),
        };
        text.push_str(&format!(
            "\nTry it:\n\n  curl -s {target}/api/diagram/generate \\\n    -H 'X-API-Key: {key}' -H 'Content-Type: application/json' -H 'Prefer: wait=30' \\\n    -d '{{\"prompt\":\"User logs in, then if the password is right show the dashboard, otherwise show an error\",\"diagramType\":\"mermaid\"}}'\n\nListening on {address}\n"
        ));
    }
    if let Some(link) = link {
        text.push_str(&format!("\nThe operator's page, signed in once:\n\n  {}\n", link_url(page, &link)));
    }
    println!("{text}");
    Ok(())
}
