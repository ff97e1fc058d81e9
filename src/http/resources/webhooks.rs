//! `/api/webhooks`: the caller's own address, secret and deliveries; and the operator's look at
//! everybody's deliveries, which shows no paths: they may hold secrets.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::accounts::Caller;
use crate::domain::user::valid_user_name;
use crate::domain::webhook::{DeliveryId, DeliveryRecord, DeliverySeq, DeliveryState, Webhook};
use crate::domain::{JobId, Timestamp};
use crate::http::api::Api;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused_field};
use crate::http::problem::Problem;
use crate::http::query::{Parameters, Query};
use crate::http::respond::{self, Answer};
use crate::store::webhooks::{DeliveryQuery, Enqueued};
use crate::webhooks::{Changed, Reach, Target};

const LIMIT_DEFAULT: u32 = 20;
const LIMIT_MAX: u32 = 100;
const STATES: &str = "pending, delivered or failed";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WebhookView<'a> {
    url: Option<&'a str>,
    disabled_at: Option<Timestamp>,
    secret_created_at: Option<Timestamp>,
    previous_secret_until: Option<Timestamp>,
    pending: u32,
    /// Only the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl<'a> WebhookView<'a> {
    fn of(webhook: &'a Webhook, secret: Option<String>) -> Self {
        Self {
            url: webhook.url.as_deref(),
            disabled_at: webhook.disabled_at,
            secret_created_at: webhook.secret_created_at,
            previous_secret_until: webhook.previous_secret_until,
            pending: webhook.pending,
            secret,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryView<'a> {
    id: DeliveryId,
    r#type: &'static str,
    request_id: Option<JobId>,
    status: &'static str,
    attempts: u32,
    created_at: Timestamp,
    next_attempt_at: Option<Timestamp>,
    last_attempt_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
    response_status: Option<u16>,
    error: Option<&'a str>,
    /// For its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    /// For the operator: whose, and as much of the address as holds no secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
}

/// As its owner sees it.
fn owners(delivery: &DeliveryRecord) -> DeliveryView<'_> {
    DeliveryView {
        id: delivery.id,
        r#type: delivery.kind.name(),
        request_id: delivery.job,
        status: delivery.state.name(),
        attempts: delivery.attempts,
        created_at: delivery.created_at,
        next_attempt_at: delivery.next_at,
        last_attempt_at: delivery.attempted_at,
        ended_at: delivery.ended_at,
        response_status: delivery.status,
        error: delivery.error.as_deref(),
        url: delivery.url.as_deref(),
        user: None,
        origin: None,
    }
}

/// As the operator sees it.
fn operators(delivery: &DeliveryRecord) -> DeliveryView<'_> {
    // What is stored was readable once, so it is now: how far it may go does not matter here.
    let target = delivery.url.as_deref().and_then(|url| Target::parse(url, Reach::Anywhere).ok());
    DeliveryView {
        url: None,
        user: Some(&delivery.user_name),
        origin: target.map(|target| target.origin()),
        ..owners(delivery)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewAddress {
    url: String,
}

impl JsonBody for NewAddress {
    const FIELDS: &'static [Field] =
        &[Field::required::<String>("url", "a URL such as https://example.com/hooks")];
}

/// `GET /api/webhooks`.
///
/// # Errors
/// What the store reports.
pub async fn show(api: &Arc<Api>, caller: &Caller) -> Answer {
    let webhook = api.webhooks.show(caller.user).await?;
    respond::json(StatusCode::OK, &WebhookView::of(&webhook, None))
}

/// `PUT /api/webhooks`: another address. The answer holds the secret if its owner has not seen it.
///
/// # Errors
/// 422 for an address that is not sent to.
pub async fn set(api: &Arc<Api>, caller: &Caller, call: &mut Call) -> Answer {
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let NewAddress { url } = json::decode(&bytes)?;
    api.webhooks.check(&url).map_err(|wrong| refused_field("/url", wrong.to_string()))?;
    changed(&api.webhooks.set(caller.user, Some(url)).await?)
}

/// `DELETE /api/webhooks`: no address. The secret stays.
///
/// # Errors
/// What the store reports.
pub async fn unset(api: &Arc<Api>, caller: &Caller) -> Answer {
    changed(&api.webhooks.set(caller.user, None).await?)
}

/// `POST /api/webhooks/rotate`: another secret, shown this once.
///
/// # Errors
/// What the store reports.
pub async fn rotate(api: &Arc<Api>, caller: &Caller) -> Answer {
    changed(&api.webhooks.rotate(caller.user).await?)
}

fn changed(changed: &Changed) -> Answer {
    let secret = changed.secret.as_ref().map(crate::webhooks::Secret::text);
    respond::json(StatusCode::OK, &WebhookView::of(&changed.webhook, secret))
}

/// `POST /api/webhooks/test`: a message that tells nothing.
///
/// # Errors
/// 409 when there is no address, and when as many wait as may.
pub async fn test(api: &Arc<Api>, caller: &Caller, call: &Call) -> Answer {
    enqueued(api.webhooks.test(caller.user, call.origin.clone()).await?, || {
        Problem::new(
            StatusCode::CONFLICT,
            "no_webhook",
            "You have no address that messages could go to, or it said that it is gone; set one with PUT /api/webhooks.",
        )
    })
}

/// `POST /api/webhooks/deliveries/{id}/redeliver`: the same message again, now.
///
/// # Errors
/// 404, or 409 when as many wait as may.
pub async fn redeliver(api: &Arc<Api>, caller: &Caller, id: &str) -> Answer {
    enqueued(api.webhooks.redeliver(caller.user, read_id(id)?).await?, unknown)
}

fn enqueued(enqueued: Enqueued, missing: impl FnOnce() -> Problem) -> Answer {
    match enqueued {
        Enqueued::Waiting(delivery) => respond::json(StatusCode::ACCEPTED, &owners(&delivery)),
        Enqueued::Missing => Err(missing()),
        // No 429: nobody knows how long a receiver will be away.
        Enqueued::Full => Err(Problem::new(
            StatusCode::CONFLICT,
            "too_many_messages",
            "As many messages wait for your receivers as may; try again once some of them are taken.",
        )),
    }
}

/// `GET /api/webhooks/deliveries`: the caller's, newest first.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn deliveries(api: &Arc<Api>, caller: &Caller, query: &Query<'_>) -> Answer {
    let mut asked = query.read(page)?;
    asked.user = Some(caller.user);
    listed(api, asked, owners).await
}

/// `GET /api/webhooks/deliveries/{id}`.
///
/// # Errors
/// 404 for an unknown one, and for another user's.
pub async fn delivery(api: &Arc<Api>, caller: &Caller, id: &str) -> Answer {
    let delivery = api.webhooks.delivery(caller.user, read_id(id)?).await?.ok_or_else(unknown)?;
    respond::json(StatusCode::OK, &owners(&delivery))
}

/// `GET /api/admin/webhooks/deliveries`: everybody's, newest first.
///
/// # Errors
/// 422 for a parameter that cannot be read.
pub async fn everybodys(api: &Arc<Api>, query: &Query<'_>) -> Answer {
    let (mut asked, user) = query.read(|query| {
        let user = query
            .parsed("user", "Must be a user's name.", |name| valid_user_name(name).then(|| name.to_owned()));
        (page(query), user)
    })?;
    if let Some(name) = user {
        let Some(user) = api.reader.read(move |reads| reads.user(&name)).await? else {
            return rendered(&[], None, operators);
        };
        asked.user = Some(user.id);
    }
    listed(api, asked, operators).await
}

fn page(query: &mut Parameters<'_>) -> DeliveryQuery {
    DeliveryQuery {
        user: None,
        state: query.value::<DeliveryState>("status", STATES),
        before: query.cursor(read_cursor),
        limit: query.limit(LIMIT_DEFAULT, LIMIT_MAX),
    }
}

async fn listed(api: &Api, asked: DeliveryQuery, view: fn(&DeliveryRecord) -> DeliveryView<'_>) -> Answer {
    let limit = asked.limit as usize;
    let mut found = api.webhooks.deliveries(DeliveryQuery { limit: asked.limit + 1, ..asked }).await?;
    let is_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| is_more).map(|delivery| cursor(delivery.seq));
    rendered(&found, next, view)
}

fn rendered(
    found: &[DeliveryRecord],
    next: Option<String>,
    view: fn(&DeliveryRecord) -> DeliveryView<'_>,
) -> Answer {
    let deliveries: Vec<_> = found.iter().map(view).collect();
    respond::json(StatusCode::OK, &serde_json::json!({ "deliveries": deliveries, "next": next }))
}

fn cursor(seq: DeliverySeq) -> String {
    URL_SAFE_NO_PAD.encode(seq.0.to_be_bytes())
}

fn read_cursor(text: &str) -> Option<DeliverySeq> {
    let bytes = URL_SAFE_NO_PAD.decode(text).ok().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(i64::from_be_bytes).filter(|seq| *seq > 0).map(DeliverySeq)
}

fn read_id(text: &str) -> Result<DeliveryId, Problem> {
    text.parse().map_err(|_| unknown())
}

fn unknown() -> Problem {
    Problem::not_found("There is no such delivery of yours.")
}
