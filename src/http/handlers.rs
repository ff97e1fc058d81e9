//! Which handler serves which route: the second half of the route table. Every `match` here is
//! exhaustive, so that a route without a handler does not compile.

use std::sync::Arc;

use hyper::StatusCode;

use crate::accounts::Caller;

use super::admission;
use super::api::Api;
use super::call::Call;
use super::live::{handshake, sse};
use super::problem::Problem;
use super::query::Query;
use super::readiness;
use super::resources::{
    alerts, client_script, control, development, docs, generate, inspection, invoices, keys, metrics,
    openapi, pages, pictures, queue_status, request, requests, session, stats, templates, timeline, tokens,
    usage, users, validate, webhooks,
};
use super::respond::{Answer, json};
use super::router::{ForAdmin, ForUser, Health, Open, Route};

/// Serves a health route.
pub async fn health(api: &Api, route: Health) -> Answer {
    let status = match route {
        Health::Alive => "ok",
        Health::Ready => readiness::check(api).await.map(|()| "ready")?,
    };
    json(StatusCode::OK, &serde_json::json!({ "status": status }))
}

/// Serves any route, and hands the caller back.
pub async fn serve(
    api: &Arc<Api>,
    route: Route<'_>,
    caller: Option<Caller>,
    mut call: Call,
) -> (Answer, Option<Caller>) {
    let leaves_http = match route {
        Route::Open(Open::WebSocket) => true,
        Route::Open(Open::Home) => call.asks_for_upgrade(),
        Route::Open(_) | Route::Health(_) | Route::Metrics | Route::User(_) | Route::Admin(_) => false,
    };
    if leaves_http {
        let (address, stop) = (call.address, call.stop.clone());
        let accepting = handshake::accept(api, call.into_request(), address, caller.clone(), stop);
        return (accepting.await, caller);
    }
    // A copy of the few bytes behind the question mark leaves the call free to be read.
    let written = call.query().map(str::to_owned);
    let answer = match route {
        Route::Health(which) => health(api, which).await,
        Route::Metrics => allowed(&route, admission::operator(caller.as_ref()), written.as_deref())
            .and_then(|_| metrics::page(api, call.headers())),
        Route::Open(which) => open(api, which, caller.clone(), &mut call).await,
        Route::User(which) => match allowed(&route, admission::known(caller.as_ref()), written.as_deref()) {
            Ok((caller, query)) => user(api, which, caller, &query, &mut call).await,
            Err(problem) => Err(problem),
        },
        Route::Admin(which) => {
            match allowed(&route, admission::operator(caller.as_ref()), written.as_deref()) {
                Ok((_, query)) => admin(api, which, &query, &mut call).await,
                Err(problem) => Err(problem),
            }
        }
    };
    call.discard_body().await;
    (answer, caller)
}

/// What a route needs besides its caller: its parameters; where it has none, none may be given.
fn allowed<'a, 'q>(
    route: &Route<'_>,
    caller: Result<&'a Caller, Problem>,
    query: Option<&'q str>,
) -> Result<(&'a Caller, Query<'q>), Problem> {
    let caller = caller?;
    let known = route.parameters().unwrap_or_default();
    let query = Query::parse(query, known);
    if known.is_empty() {
        query.read(|_| ())?;
    }
    Ok((caller, query))
}

async fn open(api: &Arc<Api>, route: Open<'_>, caller: Option<Caller>, call: &mut Call) -> Answer {
    match route {
        // A call for the WebSocket has left already.
        Open::Home | Open::WebSocket => pages::playground(api, call.headers()),
        Open::Dashboard => pages::dashboard(api, call.headers()),
        Open::Frame => pages::frame(call.headers()),
        Open::Asset(name) => pages::asset(name, call.headers()),
        Open::DevelopmentToken => development::token(api, call.address, call.headers()).await,
        Open::ClientScript => Ok(client_script::show(call.headers())),
        Open::Events(id) => {
            let id = request::id(id)?;
            sse::events(Arc::clone(api), id, caller, call.stop.clone()).await
        }
        Open::Openapi => Ok(openapi::document(call.headers())),
        Open::Docs => docs::page(call.headers()),
        Open::DocsFile(name) => docs::file(name, call.headers()),
        Open::SignIn => session::sign_in(api, call).await,
    }
}

async fn user(
    api: &Arc<Api>,
    route: ForUser<'_>,
    caller: &Caller,
    query: &Query<'_>,
    call: &mut Call,
) -> Answer {
    match route {
        ForUser::Generate => generate::generate(api, caller, call).await,
        ForUser::Validate => validate::validate(api, caller, call).await,
        ForUser::Render => pictures::render(api, caller, call).await,
        ForUser::Picture(format, id) => {
            pictures::of_request(api, caller, format, id, query, call.headers()).await
        }
        ForUser::Status(id) => request::status(api, caller, id, call.headers()).await,
        ForUser::Cancel(id) => request::cancel(api, caller, id).await,
        ForUser::Requests => requests::list(api, caller, query).await,
        ForUser::Templates => templates::list(api),
        ForUser::Usage => usage::usage(api, caller).await,
        ForUser::Invoice => invoices::own(api, caller, query, call.headers()).await,
        ForUser::Token => tokens::token(api, caller, call).await,
        ForUser::Ticket => tokens::ticket(api, caller),
        ForUser::Session => session::show(api, caller, call).await,
        ForUser::SignOut => session::sign_out(api, caller, call).await,
        ForUser::SetPassword => session::set_password(api, caller, call).await,
        ForUser::Webhook => webhooks::show(api, caller).await,
        ForUser::SetWebhook => webhooks::set(api, caller, call).await,
        ForUser::UnsetWebhook => webhooks::unset(api, caller).await,
        ForUser::RotateSecret => webhooks::rotate(api, caller).await,
        ForUser::TestWebhook => webhooks::test(api, caller, call).await,
        ForUser::Deliveries => webhooks::deliveries(api, caller, query).await,
        ForUser::Delivery(id) => webhooks::delivery(api, caller, id).await,
        ForUser::Redeliver(id) => webhooks::redeliver(api, caller, id).await,
    }
}

async fn admin(api: &Arc<Api>, route: ForAdmin<'_>, query: &Query<'_>, call: &mut Call) -> Answer {
    match route {
        ForAdmin::QueueStatus => queue_status::overview(api),
        ForAdmin::Stats => stats::stats(api, query).await,
        ForAdmin::Users => users::list(api, query).await,
        ForAdmin::CreateUser => users::create(api, call).await,
        ForAdmin::User(name) => users::show(api, name).await,
        ForAdmin::ChangeUser(name) => users::change(api, name, call).await,
        ForAdmin::DisableUser(name) => users::disable(api, name).await,
        ForAdmin::Keys => keys::list(api, query).await,
        ForAdmin::CreateKey => keys::create(api, call).await,
        ForAdmin::RevokeKey(id) => keys::revoke(api, id).await,
        ForAdmin::Pause => control::pause(api, true).await,
        ForAdmin::Resume => control::pause(api, false).await,
        ForAdmin::Waiting => inspection::waiting(api, query).await,
        ForAdmin::AllRequests => inspection::list(api, query).await,
        ForAdmin::Request(id) => inspection::show(api, id).await,
        ForAdmin::Timeline => timeline::timeline(api, query).await,
        ForAdmin::Retry(id) => control::retry(api, id).await,
        ForAdmin::AllDeliveries => webhooks::everybodys(api, query).await,
        ForAdmin::Config => json(StatusCode::OK, &*api.effective_config.load_full()),
        ForAdmin::Alerts => alerts::list(api).await,
        ForAdmin::Invoices => invoices::list(api, query, call.headers()).await,
    }
}
