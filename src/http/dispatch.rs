//! From a call to its answer: everything that every answer has, around what the route does.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Method, Request, Response, StatusCode, Uri};
use tokio_util::sync::CancellationToken;

use crate::accounts::Caller;
use crate::domain::JobId;

use super::address::{self, Peer};
use super::api::Api;
use super::body::Body;
use super::call::Call;
use super::observed::Answered;
use super::problem::Problem;
use super::resources::metrics;
use super::respond::Answer;
use super::router::{self, Miss, Route};
use super::trace::{self, Traced};
use super::{admission, cors, handlers, origin, ratelimit, request_id, route_name};

const NOSNIFF: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-content-type-options"), HeaderValue::from_static("nosniff"));

/// An answer and to whom.
struct Handled {
    answer: Answer,
    caller: Option<Caller>,
}

/// The request that a call is about, in an answer's extensions: log lines tell of it.
#[derive(Clone, Copy, Debug)]
pub struct About(pub JobId);

/// Answers a call. Never fails and never panics.
pub async fn answer(
    api: &Arc<Api>,
    peer: Peer,
    stop: CancellationToken,
    request: Request<Incoming>,
) -> Response<Body> {
    let started = Instant::now();
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let id = request_id::of(request.headers());
    let traced = trace::of(request.headers(), &id, &api.sample);
    let origin = cors::allowed(request.headers(), &api.options.cors_origins);
    let route = router::find(&method, uri.path());
    let route_name = route_name::of(&route);

    let (mut response, caller, problem) =
        if origin.is_some() && cors::is_preflight(&method, request.headers()) {
            (cors::preflight(), None, None)
        } else {
            let address = address::client(peer, request.headers(), &api.options.trusted_proxies);
            let is_secure = address::is_https(peer, request.headers(), &api.options.trusted_proxies);
            let call = Call::new(request, traced.origin.clone(), address, is_secure, stop);
            let Handled { answer, caller } = caught(handle(api, &method, &uri, route, call)).await;
            let problem = answer.as_ref().err().map(|problem| problem.code);
            let mut response = answer.unwrap_or_else(|problem| problem.into_response(id.text()));
            if let Some(caller) = &caller
                && response.status() != StatusCode::SWITCHING_PROTOCOLS
            {
                ratelimit::complete(api, caller, response.headers_mut()).await;
            }
            (response, caller, problem)
        };
    log(&method, &uri, &response, caller.as_ref(), &traced, started);
    (api.answered)(&Answered {
        traced: &traced,
        job: response.extensions().get::<About>().map(|about| about.0),
        method: route_name::method(&method),
        route: route_name,
        status: response.status(),
        problem,
        elapsed: started.elapsed(),
    });
    let headers = response.headers_mut();
    headers.insert(request_id::X_REQUEST_ID, id.into_value());
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    if !api.options.cors_origins.is_empty() {
        cors::mark(headers, origin);
    }
    response
}

/// A panic is this call's 500 and nobody else's trouble.
async fn caught(handling: impl Future<Output = Handled>) -> Handled {
    AssertUnwindSafe(handling).catch_unwind().await.unwrap_or_else(|_| Handled {
        answer: Err(Problem::internal(&"a handler panicked").closing()),
        caller: None,
    })
}

/// A call of the figures' own listener.
pub fn answer_figures(api: &Api, request: &Request<Incoming>) -> Response<Body> {
    let id = request_id::of(request.headers());
    let answer = metrics::on_own_listener(api, request.method(), request.uri().path(), request.headers());
    let mut response = answer.unwrap_or_else(|problem| problem.into_response(id.text()));
    let headers = response.headers_mut();
    headers.insert(request_id::X_REQUEST_ID, id.into_value());
    headers.insert(NOSNIFF.0, NOSNIFF.1);
    response
}

async fn handle(
    api: &Arc<Api>,
    method: &Method,
    uri: &Uri,
    route: Result<Route<'_>, Miss>,
    mut call: Call,
) -> Handled {
    if matches!(route, Ok(Route::Metrics)) && metrics::has_token(api, call.headers()) {
        let answer = metrics::page(api, call.headers());
        call.discard_body().await;
        return Handled { answer, caller: None };
    }
    if let Ok(Route::Health(which)) = route {
        return Handled { answer: handlers::health(api, which).await, caller: None };
    }
    let (caller, refused) = match admission::admit(api, call.address, call.headers()).await {
        Ok(caller) => {
            let refused = match route {
                // They do nothing in the caller's name.
                Ok(Route::Open(_)) => None,
                _ => origin::check(caller.as_ref(), method, call.headers(), &api.options.public_url).err(),
            };
            (caller, refused)
        }
        Err((caller, problem)) => (caller, Some(problem)),
    };
    let answer = match (refused, route) {
        (Some(problem), _) => Err(problem),
        (None, Ok(route)) => return handlers::serve(api, route, caller, call).await.into(),
        (None, Err(miss)) => Err(missed(miss, uri.path(), caller.as_ref())),
    };
    call.discard_body().await;
    Handled { answer, caller }
}

/// To whoever is no admin, an unknown path of the operator's is like a known one.
fn missed(miss: Miss, path: &str, caller: Option<&Caller>) -> Problem {
    if router::is_admin_path(path)
        && let Err(problem) = admission::operator(caller)
    {
        return problem;
    }
    Problem::from(miss)
}

impl From<(Answer, Option<Caller>)> for Handled {
    fn from((answer, caller): (Answer, Option<Caller>)) -> Self {
        Self { answer, caller }
    }
}

/// With three digits after the point.
fn milliseconds(elapsed: Duration) -> f64 {
    (elapsed.as_secs_f64() * 1e6).round() / 1e3
}

/// One line a call: no query (tickets), no body (prompts).
fn log(
    method: &Method,
    uri: &Uri,
    response: &Response<Body>,
    caller: Option<&Caller>,
    traced: &Traced,
    started: Instant,
) {
    tracing::info!(
        %method,
        path = uri.path(),
        status = response.status().as_u16(),
        ms = milliseconds(started.elapsed()),
        bytes = response.body().len(),
        user = caller.map(|caller| caller.name.as_ref()),
        job = response.extensions().get::<About>().map(|about| about.0.to_string()),
        trace_id = %traced.origin.trace(),
        request_id = %traced.origin.request_id(),
        "answered a call"
    );
}
