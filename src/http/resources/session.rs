//! `/api/auth/session` and `/api/auth/password`: people who sign in with a browser.

use std::sync::Arc;

use hyper::header::SET_COOKIE;
use hyper::{Response, StatusCode};
use serde::{Deserialize, Serialize};

use crate::accounts::{Caller, OwnPassword, SignedIn};
use crate::domain::session::Session;
use crate::domain::user::Role;
use crate::domain::{SessionId, Tier, Timestamp};
use crate::http::admission;
use crate::http::api::Api;
use crate::http::auth::cookie;
use crate::http::body::Body;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused_field};
use crate::http::origin::{self, Seen};
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};

const WRONG_PASSWORD: &str = "The name or the password is wrong.";
const WRONG_LINK: &str =
    "The link is used, over or unknown; the operator makes another with `diagramd user link NAME`.";
const OVERTAKEN: &str =
    "The session ended, or the password was changed by somebody else meanwhile; sign in again.";
const NO_SESSION: &str = "Nobody is signed in here; a key or token is no session.";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SessionView<'a> {
    user: &'a str,
    role: Role,
    tier: Tier,
    csrf_token: String,
    expires_at: Timestamp,
    has_password: bool,
}

impl<'a> SessionView<'a> {
    fn of(session: &'a Session, token: &str) -> Self {
        Self {
            user: &session.user.name,
            role: session.role,
            tier: session.user.tier,
            csrf_token: cookie::csrf_token(token),
            expires_at: session.expires_at,
            has_password: session.user.has_password,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignIn {
    user: Option<String>,
    password: Option<String>,
    link: Option<String>,
}

impl JsonBody for SignIn {
    const FIELDS: &'static [Field] = &[
        Field::optional::<String>("user", "a string"),
        Field::optional::<String>("password", "a string"),
        Field::optional::<String>("link", "a string"),
    ];
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct NewPassword {
    password: String,
    current_password: Option<String>,
}

impl JsonBody for NewPassword {
    const FIELDS: &'static [Field] = &[
        Field::required::<String>("password", "a string"),
        Field::optional::<String>("currentPassword", "a string"),
    ];
}

/// `POST /api/auth/session`: a session for a password or a link, and its cookie.
///
/// # Errors
/// 401 for what opens nothing, 403 for a call of another page, 422 for anything but one of the two,
/// 429 after too many wrong ones, 503 when too many passwords are being checked.
pub async fn sign_in(api: &Arc<Api>, call: &mut Call) -> Answer {
    if origin::seen(call.headers(), &api.options.public_url) == Seen::Other {
        return Err(origin::forged());
    }
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let (signed_in, wrong) = match json::decode(&bytes)? {
        SignIn { user: Some(user), password: Some(password), link: None } => {
            (api.accounts.sign_in(&user, &password).await?, WRONG_PASSWORD)
        }
        SignIn { user: None, password: None, link: Some(link) } => {
            (api.accounts.redeem_link(&link).await?, WRONG_LINK)
        }
        SignIn { .. } => return Err(refused_field("", "Send user and password, or link.")),
    };
    let Some(SignedIn { token, session }) = signed_in else {
        return Err(admission::wrong(api, call.address, Problem::unauthorized(wrong)).await);
    };
    tracing::info!(user = session.user.name, by_link = session.by_link, "signed in");
    let mut response = respond::json(StatusCode::OK, &SessionView::of(&session, &token))?;
    respond::set(response.headers_mut(), SET_COOKIE, &cookie::set(&token, is_secure(api, call)));
    Ok(response)
}

/// `GET /api/auth/session`: who is signed in.
///
/// # Errors
/// 401 when nobody is.
pub async fn show(api: &Arc<Api>, caller: &Caller, call: &Call) -> Answer {
    let (_, session, token) = current(api, caller, call).await?;
    respond::json(StatusCode::OK, &SessionView::of(&session, &token))
}

/// `DELETE /api/auth/session`: the session ends, and so do the connections opened with it.
///
/// # Errors
/// 401 when nobody is signed in.
pub async fn sign_out(api: &Arc<Api>, caller: &Caller, call: &Call) -> Answer {
    let (id, ..) = current(api, caller, call).await?;
    api.accounts.sign_out(id).await?;
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    respond::set(response.headers_mut(), SET_COOKIE, &cookie::unset(is_secure(api, call)));
    Ok(response)
}

/// `POST /api/auth/password`: another password for whoever is signed in. Who came by a link need
/// not know the one before.
///
/// # Errors
/// 401 when nobody is signed in, or the current password is wrong; 422 for one that is too short.
pub async fn set_password(api: &Arc<Api>, caller: &Caller, call: &mut Call) -> Answer {
    let (id, session, token) = current(api, caller, call).await?;
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let NewPassword { password, current_password } = json::decode(&bytes)?;
    let outcome =
        api.accounts.change_own_password(id, &session, current_password.as_deref(), &password).await?;
    match outcome {
        OwnPassword::Changed => tracing::info!(user = session.user.name, "a password was set"),
        OwnPassword::CurrentMissing => {
            return Err(refused_field("/currentPassword", "Is missing; it must be the password so far."));
        }
        OwnPassword::CurrentWrong => {
            let problem = Problem::unauthorized("The current password is wrong.");
            return Err(admission::wrong(api, call.address, problem).await);
        }
        OwnPassword::Overtaken => return Err(Problem::unauthorized(OVERTAKEN)),
    }
    let session = Session { user: crate::domain::User { has_password: true, ..session.user }, ..session };
    respond::json(StatusCode::OK, &SessionView::of(&session, &token))
}

/// Whether the cookie goes by https alone.
fn is_secure(api: &Api, call: &Call) -> bool {
    call.is_secure || api.options.public_url.starts_with("https://")
}

/// The session of a call that came with its cookie, and the cookie's token.
async fn current(api: &Api, caller: &Caller, call: &Call) -> Result<(SessionId, Session, String), Problem> {
    let none = || Problem::unauthorized(NO_SESSION);
    caller.session.ok_or_else(none)?;
    let token = cookie::token(call.headers()).ok_or_else(none)?;
    let (id, session) = api.accounts.session(token).await?.ok_or_else(none)?;
    Ok((id, session, token.to_owned()))
}
