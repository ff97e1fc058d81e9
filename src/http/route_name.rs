//! A route as figures and log lines name it: its path in the table, parameters in braces, so that
//! there are as many names as there are routes.

use hyper::Method;

use crate::diagram::picture::Format;

use super::router::{ForAdmin, ForUser, Health, Miss, Open, Route};

/// The name of a call's route; `unknown` for what the table does not have.
pub const fn of(route: &Result<Route<'_>, Miss>) -> &'static str {
    match route {
        Ok(Route::Health(which)) => health(*which),
        Ok(Route::Metrics) => "/metrics",
        Ok(Route::Open(which)) => open(*which),
        Ok(Route::User(which)) => user(*which),
        Ok(Route::Admin(which)) => admin(*which),
        Err(_) => "unknown",
    }
}

/// The method's name; `other` for one that no route takes.
pub fn method(method: &Method) -> &'static str {
    const KNOWN: [&str; 6] = ["GET", "HEAD", "POST", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| method == known).unwrap_or("other")
}

const fn health(route: Health) -> &'static str {
    match route {
        Health::Alive => "/healthz",
        Health::Ready => "/readyz",
    }
}

const fn open(route: Open<'_>) -> &'static str {
    match route {
        Open::Home => "/",
        Open::Dashboard => "/admin",
        Open::Frame => "/frame",
        Open::Asset(_) => "/assets/{file}",
        Open::WebSocket => "/ws",
        Open::ClientScript => "/client.js",
        Open::Events(_) => "/api/diagram/events/{id}",
        Open::Openapi => "/openapi.json",
        Open::Docs => "/docs",
        Open::DocsFile(_) => "/docs/{file}",
        Open::SignIn => "/api/auth/session",
        Open::DevelopmentToken => "/api/auth/dev",
    }
}

const fn user(route: ForUser<'_>) -> &'static str {
    match route {
        ForUser::Generate => "/api/diagram/generate",
        ForUser::Validate => "/api/diagram/validate",
        ForUser::Render => "/api/diagram/render",
        ForUser::Picture(Format::Svg, _) => "/api/diagram/svg/{id}",
        ForUser::Picture(Format::Png, _) => "/api/diagram/png/{id}",
        ForUser::Status(_) => "/api/diagram/status/{id}",
        ForUser::Cancel(_) => "/api/diagram/cancel/{id}",
        ForUser::Requests => "/api/diagram/requests",
        ForUser::Templates => "/api/diagram/templates",
        ForUser::Usage => "/api/diagram/usage",
        ForUser::Invoice => "/api/diagram/usage/invoice",
        ForUser::Token => "/api/auth/token",
        ForUser::Ticket => "/api/auth/ws-ticket",
        ForUser::Session | ForUser::SignOut => "/api/auth/session",
        ForUser::SetPassword => "/api/auth/password",
        ForUser::Webhook | ForUser::SetWebhook | ForUser::UnsetWebhook => "/api/webhooks",
        ForUser::RotateSecret => "/api/webhooks/rotate",
        ForUser::TestWebhook => "/api/webhooks/test",
        ForUser::Deliveries => "/api/webhooks/deliveries",
        ForUser::Delivery(_) => "/api/webhooks/deliveries/{id}",
        ForUser::Redeliver(_) => "/api/webhooks/deliveries/{id}/redeliver",
    }
}

const fn admin(route: ForAdmin<'_>) -> &'static str {
    match route {
        ForAdmin::QueueStatus => "/api/diagram/queue/status",
        ForAdmin::Stats => "/api/diagram/stats",
        ForAdmin::Users | ForAdmin::CreateUser => "/api/admin/users",
        ForAdmin::User(_) | ForAdmin::ChangeUser(_) | ForAdmin::DisableUser(_) => "/api/admin/users/{name}",
        ForAdmin::Keys | ForAdmin::CreateKey => "/api/admin/keys",
        ForAdmin::RevokeKey(_) => "/api/admin/keys/{id}",
        ForAdmin::Pause => "/api/admin/queue/pause",
        ForAdmin::Resume => "/api/admin/queue/resume",
        ForAdmin::Waiting => "/api/admin/queue/waiting",
        ForAdmin::AllRequests => "/api/admin/requests",
        ForAdmin::Request(_) => "/api/admin/requests/{id}",
        ForAdmin::Timeline => "/api/admin/timeline",
        ForAdmin::Retry(_) => "/api/admin/requests/{id}/retry",
        ForAdmin::Config => "/api/admin/config",
        ForAdmin::Alerts => "/api/admin/alerts",
        ForAdmin::Invoices => "/api/admin/invoices",
        ForAdmin::AllDeliveries => "/api/admin/webhooks/deliveries",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::router::{find, rows};

    #[test]
    fn every_route_is_named_by_its_row_of_the_table() {
        for row in rows() {
            let (method, path) = row.call("x");
            let found = find(&method.parse().unwrap(), &path);
            assert!(found.is_ok(), "{method} {path}");
            assert!(row.is(method, of(&found)), "{row:?} is called {}", of(&found));
        }
        assert_eq!(of(&find(&Method::GET, "/no/such")), "unknown");
    }

    #[test]
    fn a_method_of_the_clients_own_is_no_label() {
        assert_eq!(method(&Method::DELETE), "DELETE");
        assert_eq!(method(&"BREW".parse().unwrap()), "other");
    }
}
