//! Who calls, and may they call just now? Credentials first, so that a good key is served from
//! any address; then the calls a minute.

use hyper::{HeaderMap, StatusCode};

use crate::accounts::Caller;
use crate::domain::user::Role;

use super::api::{Api, ClientAddress};
use super::auth::AuthError;
use super::problem::Problem;
use super::ratelimit::policy_header;
use super::refuse::{Known, too_many_calls};

/// The caller, if the call presents credentials. `Err` also tells who was refused, if known.
///
/// # Errors
/// 401 for wrong credentials, 429 for a call too many, 503 when the store cannot tell.
pub async fn admit(
    api: &Api,
    address: ClientAddress,
    headers: &HeaderMap,
) -> Result<Option<Caller>, (Option<Caller>, Problem)> {
    let now = (api.clock)();
    match api.auth.caller(headers).await {
        Ok(Some(caller)) => match api.calls.known(caller.user, now) {
            Ok(()) => Ok(Some(caller)),
            Err(refused) => {
                let (name, value) = policy_header(api, &caller);
                let problem = too_many_calls(refused, Known::Caller).with_header(name, value);
                Err((Some(caller), problem))
            }
        },
        Ok(None) => match api.calls.anonymous(address, now) {
            Ok(()) => Ok(None),
            Err(refused) => Err((None, too_many_calls(refused, Known::AddressOnly))),
        },
        // Nothing was looked up, so nothing was guessed.
        Err(AuthError::Both) => match api.calls.anonymous(address, now) {
            Ok(()) => Err((None, Problem::from(AuthError::Both))),
            Err(refused) => Err((None, too_many_calls(refused, Known::AddressOnly))),
        },
        Err(AuthError::Wrong) => Err((None, wrong(api, address, Problem::from(AuthError::Wrong)).await)),
        Err(AuthError::Store(reason)) => Err((None, Problem::from(reason))),
    }
}

/// The answer to a wrong credential: `problem`, held back the longer the more of them the address
/// has sent, and at last 429 in its place.
pub async fn wrong(api: &Api, address: ClientAddress, problem: Problem) -> Problem {
    match api.calls.wrong_credential(address, (api.clock)()) {
        Ok(delay) => {
            tokio::time::sleep(delay).await;
            problem
        }
        Err(refused) => too_many_calls(refused, Known::AddressOnly),
    }
}

/// The caller of a route that needs one.
///
/// # Errors
/// 401.
pub fn known(caller: Option<&Caller>) -> Result<&Caller, Problem> {
    caller.ok_or_else(|| {
        Problem::unauthorized(
            "Send your API key in the header X-API-Key, or a key or token as Authorization: Bearer.",
        )
    })
}

/// The caller of a route for the operator.
///
/// # Errors
/// 401, or 403 for a caller who is no admin.
pub fn operator(caller: Option<&Caller>) -> Result<&Caller, Problem> {
    let caller = known(caller)?;
    match caller.role {
        Role::Admin => Ok(caller),
        Role::User => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "forbidden",
            "This needs an admin key; ask the server's operator.",
        )),
    }
}
