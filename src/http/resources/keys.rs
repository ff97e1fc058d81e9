//! `/api/admin/keys`.

use std::sync::Arc;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use super::users::blocking;
use crate::accounts::Accounts;
use crate::domain::user::{ApiKey, Role, valid_user_name};
use crate::domain::{KeyId, Tier, Timestamp};
use crate::http::api::Api;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::refuse::BAD_NAME;
use crate::http::respond::{self, Answer};

const LIMIT_MAX: u32 = 1000;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyView<'a> {
    id: &'a str,
    user: &'a str,
    role: Role,
    prefix: &'a str,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    /// Only at creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

impl<'a> KeyView<'a> {
    fn of(key: &'a ApiKey, text: Option<&'a str>) -> Self {
        Self {
            id: &key.id.0,
            user: &key.user_name,
            role: key.role,
            prefix: &key.prefix,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
            key: text,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewKey {
    user: String,
    tier: Option<Tier>,
    role: Option<Role>,
    expires_at: Option<Timestamp>,
}

impl JsonBody for NewKey {
    const FIELDS: &'static [Field] = &[
        Field::required::<String>("user", "a string"),
        Field::optional::<Tier>("tier", "free, basic, pro or enterprise"),
        Field::optional::<Role>("role", "user or admin"),
        Field::optional::<Timestamp>("expiresAt", "a time such as 2027-01-01T00:00:00Z"),
    ];
}

/// Every key, newest first.
///
/// # Errors
/// What the store reports.
pub async fn list(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let keys = blocking(api, Accounts::keys).await?;
    // A key is never deleted: an unknown one was never on a page.
    let after = |id: &str| keys.iter().position(|key| key.id.0 == id).map(|at| at + 1);
    let (limit, start) = query.read(|query| (query.limit(LIMIT_MAX, LIMIT_MAX), query.cursor(after)))?;
    let (limit, start) = (limit as usize, start.unwrap_or(0));
    let page: Vec<KeyView<'_>> = keys[start..].iter().take(limit).map(|key| KeyView::of(key, None)).collect();
    let next = page.last().map(|key| key.id).filter(|_| start + page.len() < keys.len());
    respond::json(StatusCode::OK, &serde_json::json!({ "keys": page, "next": next }))
}

/// A new key: the only time it is shown.
///
/// # Errors
/// 422.
pub async fn create(api: &Arc<Api>, call: &mut Call) -> Answer {
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let now = (api.clock)();
    let new = json::decode_and(&bytes, |rest| faults(&rest, now))?;
    let faults = faults(&new, now);
    if !faults.is_empty() {
        return Err(refused(faults));
    }
    let issued = blocking(api, move |accounts| {
        accounts.create_key(&new.user, new.tier, new.role.unwrap_or(Role::User), new.expires_at)
    });
    let issued = issued.await?;
    respond::json(StatusCode::CREATED, &KeyView::of(&issued.key, Some(&issued.text)))
}

fn faults(new: &NewKey, now: Timestamp) -> Vec<FieldError> {
    let fault = |pointer: &str, detail: &str| FieldError { pointer: pointer.into(), detail: detail.into() };
    let name = (!valid_user_name(&new.user)).then(|| fault("/user", BAD_NAME));
    let end = new.expires_at.is_some_and(|at| at <= now);
    name.into_iter().chain(end.then(|| fault("/expiresAt", "Must be in the future."))).collect()
}

/// The end of a key.
///
/// # Errors
/// 404.
pub async fn revoke(api: &Arc<Api>, id: &str) -> Answer {
    let id = KeyId(id.to_owned());
    let key = blocking(api, move |accounts| {
        accounts.revoke_key(&id)?;
        Ok::<_, crate::store::StoreError>(accounts.keys()?.into_iter().find(|key| key.id == id))
    });
    let key = key.await?.ok_or_else(|| Problem::not_found("There is no such key."))?;
    respond::json(StatusCode::OK, &KeyView::of(&key, None))
}
