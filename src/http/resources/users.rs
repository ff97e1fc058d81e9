//! `/api/admin/users`.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use form_urlencoded::parse;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::accounts::Accounts;
use crate::domain::user::{Role, valid_user_name};
use crate::domain::{Tier, Timestamp, User};
use crate::http::api::Api;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

const LIMIT_MAX: u32 = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserView<'a> {
    name: &'a str,
    tier: Tier,
    created_at: Timestamp,
    disabled: bool,
    has_password: bool,
    role: Role,
}

impl<'a> From<&'a User> for UserView<'a> {
    fn from(user: &'a User) -> Self {
        Self {
            name: &user.name,
            tier: user.tier,
            created_at: user.created_at,
            disabled: user.disabled_at.is_some(),
            has_password: user.has_password,
            role: user.role(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewUser {
    name: String,
    tier: Option<Tier>,
}

impl JsonBody for NewUser {
    const FIELDS: &'static [Field] = &[
        Field::required::<String>("name", "a string"),
        Field::optional::<Tier>("tier", "free, basic, pro or enterprise"),
    ];
}

#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    tier: Option<Tier>,
    disabled: Option<bool>,
}

impl JsonBody for Change {
    const FIELDS: &'static [Field] = &[
        Field::optional::<Tier>("tier", "free, basic, pro or enterprise"),
        Field::optional::<bool>("disabled", "true or false"),
    ];
}

/// Runs blocking account work off the runtime's own threads.
///
/// # Errors
/// What the work reports.
pub async fn blocking<T, E>(
    api: &Api,
    work: impl FnOnce(&Accounts) -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Send + 'static,
    Problem: From<E>,
{
    let accounts = api.accounts.clone();
    let done = tokio::task::spawn_blocking(move || work(&accounts)).await;
    done.map_err(|reason| Problem::internal(&reason))?.map_err(Problem::from)
}

/// Every user, by name.
///
/// # Errors
/// What the store reports.
pub async fn list(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let (limit, after) =
        query.read(|query| (query.limit(LIMIT_MAX, LIMIT_MAX), query.cursor(read_cursor)))?;
    let (limit, after) = (limit as usize, after.unwrap_or_default());
    let users = blocking(api, Accounts::users).await?;
    let mut rest = users.iter().filter(|user| after.is_empty() || user.name > after);
    let page: Vec<UserView<'_>> = rest.by_ref().take(limit).map(UserView::from).collect();
    let next = page.last().map(|user| cursor(user.name)).filter(|_| rest.next().is_some());
    respond::json(StatusCode::OK, &serde_json::json!({ "users": page, "next": next }))
}

/// A new user, or the one there is.
///
/// # Errors
/// 422 for a name that cannot be one.
pub async fn create(api: &Arc<Api>, call: &mut Call) -> Answer {
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let NewUser { name, tier } = json::decode(&bytes)?;
    let user = blocking(api, move |accounts| accounts.ensure_user(&name, tier)).await?;
    respond::json(StatusCode::CREATED, &UserView::from(&user))
}

/// One user.
///
/// # Errors
/// 404.
pub async fn show(api: &Arc<Api>, name: &str) -> Answer {
    let name = decoded(name);
    found(blocking(api, move |accounts| accounts.user(&name)).await?)
}

/// Another tier, disabled or enabled.
///
/// # Errors
/// 404.
pub async fn change(api: &Arc<Api>, name: &str, call: &mut Call) -> Answer {
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let change: Change = json::decode(&bytes)?;
    let name = decoded(name);
    let changed = blocking(api, move |accounts| {
        if let Some(tier) = change.tier {
            accounts.set_tier(&name, tier)?;
        }
        match change.disabled {
            Some(disabled) => accounts.set_disabled(&name, disabled),
            None => accounts.user(&name),
        }
    });
    found(changed.await?)
}

/// Disabled: every credential of the user is refused.
///
/// # Errors
/// 404.
pub async fn disable(api: &Arc<Api>, name: &str) -> Answer {
    let name = decoded(name);
    found(blocking(api, move |accounts| accounts.set_disabled(&name, true)).await?)
}

fn found(user: Option<User>) -> Answer {
    let user = user.ok_or_else(|| Problem::not_found("There is no such user."))?;
    respond::json(StatusCode::OK, &UserView::from(&user))
}

fn cursor(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn read_cursor(text: &str) -> Option<String> {
    let name = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.filter(|name| valid_user_name(name))
}

/// A name out of a path, percent-decoded; a plus sign is a plus sign.
fn decoded(segment: &str) -> String {
    let escaped = segment.replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
    parse(escaped.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_survive_a_round_trip_and_refuse_what_is_none() {
        for name in ["ann", "Jürgen", "a@b.c"] {
            assert_eq!(read_cursor(&cursor(name)).unwrap(), name);
        }
        for bad in ["", "ann@", "_w", &cursor("a/b"), &cursor(&"x".repeat(200))] {
            assert!(read_cursor(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn names_are_decoded_as_paths_are() {
        for (segment, name) in
            [("a%40b.c", "a@b.c"), ("a+b", "a+b"), ("a=b&c", "a=b&c"), ("J%C3%BCrgen", "Jürgen")]
        {
            assert_eq!(decoded(segment), name);
        }
    }
}
