//! The route table: every path, its methods, and the access it needs.
//!
//! Access is part of the route's type: an open route is called without a caller, the others get
//! one, so that no handler can forget to ask.

use hyper::{Method, StatusCode};

use super::problem::Problem;
use crate::diagram::picture::Format;

/// A known method on a known path, by the access it needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// Nobody is counted or asked who they are.
    Health(Health),
    /// Who brings the figures' token, and admins.
    Metrics,
    /// Anybody.
    Open(Open<'a>),
    /// Any caller.
    User(ForUser<'a>),
    /// A caller whose role is admin.
    Admin(ForAdmin<'a>),
}

/// For load balancers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Is the process alive?
    Alive,
    /// May it be sent work?
    Ready,
}

/// Routes for anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Open<'a> {
    /// The playground, or the WebSocket when the call asks for an upgrade.
    Home,
    /// The dashboard.
    Dashboard,
    /// Where pages let diagrams be drawn.
    Frame,
    /// A file of a page.
    Asset(&'a str),
    /// The WebSocket; it does its own authentication.
    WebSocket,
    /// The JavaScript client.
    ClientScript,
    /// A request's events, for whoever knows its id.
    Events(&'a str),
    /// The description of the API.
    Openapi,
    /// The description as a page.
    Docs,
    /// A file of that page.
    DocsFile(&'a str),
    /// A session for a password or a link.
    SignIn,
    /// Under `--dev`, a token without a key for the server's own pages.
    DevelopmentToken,
}

/// Routes for any caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForUser<'a> {
    /// A new request.
    Generate,
    /// The verdict on a source.
    Validate,
    /// The picture of a source.
    Render,
    /// The picture of one request.
    Picture(Format, &'a str),
    /// One request.
    Status(&'a str),
    /// Its end.
    Cancel(&'a str),
    /// The caller's requests.
    Requests,
    /// Every template.
    Templates,
    /// The caller's limits, tokens and money.
    Usage,
    /// What the caller owes for a month.
    Invoice,
    /// A short-lived token.
    Token,
    /// A WebSocket ticket.
    Ticket,
    /// Who is signed in.
    Session,
    /// The end of a session.
    SignOut,
    /// One's own password.
    SetPassword,
    /// Where one's ends are told.
    Webhook,
    /// Another address.
    SetWebhook,
    /// No address.
    UnsetWebhook,
    /// Another signing secret.
    RotateSecret,
    /// A message that tells nothing.
    TestWebhook,
    /// One's messages.
    Deliveries,
    /// One of them.
    Delivery(&'a str),
    /// One of them again.
    Redeliver(&'a str),
}

/// Routes for the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForAdmin<'a> {
    /// The queue's figures.
    QueueStatus,
    /// Statistics.
    Stats,
    /// Every user.
    Users,
    /// A new user.
    CreateUser,
    /// One user.
    User(&'a str),
    /// Another tier, disabled or not.
    ChangeUser(&'a str),
    /// Disabled.
    DisableUser(&'a str),
    /// Every key.
    Keys,
    /// A new key.
    CreateKey,
    /// A key's end.
    RevokeKey(&'a str),
    /// No more claims.
    Pause,
    /// Claims again.
    Resume,
    /// Who waits next.
    Waiting,
    /// Everybody's requests.
    AllRequests,
    /// One, in detail.
    Request(&'a str),
    /// Figures over time.
    Timeline,
    /// A failed request again.
    Retry(&'a str),
    /// Everybody's messages to applications.
    AllDeliveries,
    /// The effective configuration.
    Config,
    /// Alerts.
    Alerts,
    /// What everybody owes for a month.
    Invoices,
}

/// The table.
fn route<'a>(method: &str, path: &[&'a str]) -> Option<Route<'a>> {
    use Route::{Admin, Health, Metrics, Open, User};
    Some(match (method, path) {
        ("GET", ["healthz"]) => Health(self::Health::Alive),
        ("GET", ["readyz"]) => Health(self::Health::Ready),
        ("GET", ["metrics"]) => Metrics,

        ("GET", [""]) => Open(self::Open::Home),
        ("GET", ["admin"]) => Open(self::Open::Dashboard),
        ("GET", ["frame"]) => Open(self::Open::Frame),
        ("GET", ["assets", file]) => Open(self::Open::Asset(file)),
        ("POST", ["api", "auth", "dev"]) => Open(self::Open::DevelopmentToken),
        ("GET", ["ws"]) => Open(self::Open::WebSocket),
        ("GET", ["client.js"]) => Open(self::Open::ClientScript),
        ("GET", ["api", "diagram", "events", id]) => Open(self::Open::Events(id)),
        ("GET", ["openapi.json"]) => Open(self::Open::Openapi),
        ("GET", ["docs"]) => Open(self::Open::Docs),
        ("GET", ["docs", file]) => Open(self::Open::DocsFile(file)),

        ("POST", ["api", "diagram", "generate"]) => User(ForUser::Generate),
        ("POST", ["api", "diagram", "validate"]) => User(ForUser::Validate),
        ("POST", ["api", "diagram", "render"]) => User(ForUser::Render),
        ("GET", ["api", "diagram", "svg", id]) => User(ForUser::Picture(Format::Svg, id)),
        ("GET", ["api", "diagram", "png", id]) => User(ForUser::Picture(Format::Png, id)),
        ("GET", ["api", "diagram", "status", id]) => User(ForUser::Status(id)),
        ("DELETE", ["api", "diagram", "cancel", id]) => User(ForUser::Cancel(id)),
        ("GET", ["api", "diagram", "requests"]) => User(ForUser::Requests),
        ("GET", ["api", "diagram", "templates"]) => User(ForUser::Templates),
        ("GET", ["api", "diagram", "usage"]) => User(ForUser::Usage),
        ("GET", ["api", "diagram", "usage", "invoice"]) => User(ForUser::Invoice),
        ("POST", ["api", "auth", "token"]) => User(ForUser::Token),
        ("POST", ["api", "auth", "ws-ticket"]) => User(ForUser::Ticket),
        ("POST", ["api", "auth", "session"]) => Open(self::Open::SignIn),
        ("GET", ["api", "auth", "session"]) => User(ForUser::Session),
        ("DELETE", ["api", "auth", "session"]) => User(ForUser::SignOut),
        ("POST", ["api", "auth", "password"]) => User(ForUser::SetPassword),
        ("GET", ["api", "webhooks"]) => User(ForUser::Webhook),
        ("PUT", ["api", "webhooks"]) => User(ForUser::SetWebhook),
        ("DELETE", ["api", "webhooks"]) => User(ForUser::UnsetWebhook),
        ("POST", ["api", "webhooks", "rotate"]) => User(ForUser::RotateSecret),
        ("POST", ["api", "webhooks", "test"]) => User(ForUser::TestWebhook),
        ("GET", ["api", "webhooks", "deliveries"]) => User(ForUser::Deliveries),
        ("GET", ["api", "webhooks", "deliveries", id]) => User(ForUser::Delivery(id)),
        ("POST", ["api", "webhooks", "deliveries", id, "redeliver"]) => User(ForUser::Redeliver(id)),

        ("GET", ["api", "diagram", "queue", "status"]) => Admin(ForAdmin::QueueStatus),
        ("GET", ["api", "diagram", "stats"]) => Admin(ForAdmin::Stats),
        ("GET", ["api", "admin", "users"]) => Admin(ForAdmin::Users),
        ("POST", ["api", "admin", "users"]) => Admin(ForAdmin::CreateUser),
        ("GET", ["api", "admin", "users", name]) => Admin(ForAdmin::User(name)),
        ("PATCH", ["api", "admin", "users", name]) => Admin(ForAdmin::ChangeUser(name)),
        ("DELETE", ["api", "admin", "users", name]) => Admin(ForAdmin::DisableUser(name)),
        ("GET", ["api", "admin", "keys"]) => Admin(ForAdmin::Keys),
        ("POST", ["api", "admin", "keys"]) => Admin(ForAdmin::CreateKey),
        ("DELETE", ["api", "admin", "keys", id]) => Admin(ForAdmin::RevokeKey(id)),
        ("POST", ["api", "admin", "queue", "pause"]) => Admin(ForAdmin::Pause),
        ("POST", ["api", "admin", "queue", "resume"]) => Admin(ForAdmin::Resume),
        ("GET", ["api", "admin", "queue", "waiting"]) => Admin(ForAdmin::Waiting),
        ("GET", ["api", "admin", "requests"]) => Admin(ForAdmin::AllRequests),
        ("GET", ["api", "admin", "requests", id]) => Admin(ForAdmin::Request(id)),
        ("GET", ["api", "admin", "timeline"]) => Admin(ForAdmin::Timeline),
        ("POST", ["api", "admin", "requests", id, "retry"]) => Admin(ForAdmin::Retry(id)),
        ("GET", ["api", "admin", "webhooks", "deliveries"]) => Admin(ForAdmin::AllDeliveries),
        ("GET", ["api", "admin", "config"]) => Admin(ForAdmin::Config),
        ("GET", ["api", "admin", "alerts"]) => Admin(ForAdmin::Alerts),
        ("GET", ["api", "admin", "invoices"]) => Admin(ForAdmin::Invoices),

        _ => return None,
    })
}

/// Methods that the table knows, as `Allow` names them.
const METHODS: [(&str, &str); 5] =
    [("GET", "GET, HEAD"), ("POST", "POST"), ("PUT", "PUT"), ("PATCH", "PATCH"), ("DELETE", "DELETE")];
/// Segments of the longest path, and one to tell a longer one.
const SEGMENTS_MAX: usize = 6;

/// Why there is no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// No such path.
    Path,
    /// The path takes other methods: these.
    Method(String),
}

/// The route of a call. `HEAD` is `GET`, whose body is then not sent.
///
/// # Errors
/// [`Miss`].
pub fn find<'a>(method: &Method, path: &'a str) -> Result<Route<'a>, Miss> {
    let mut segments = [""; SEGMENTS_MAX];
    let mut count = 0;
    for segment in path.strip_prefix('/').ok_or(Miss::Path)?.split('/') {
        *segments.get_mut(count).ok_or(Miss::Path)? = segment;
        count += 1;
    }
    let segments = &segments[..count];
    let method = if method == Method::HEAD { "GET" } else { method.as_str() };
    route(method, segments).ok_or_else(|| {
        let others = METHODS.iter().filter(|(other, _)| route(other, segments).is_some());
        let allow: Vec<_> = others.map(|(_, name)| *name).collect();
        if allow.is_empty() { Miss::Path } else { Miss::Method(allow.join(", ")) }
    })
}

/// Whether a path belongs to the operator, known or not.
pub fn is_admin_path(path: &str) -> bool {
    path.strip_prefix("/api/admin").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Route<'_> {
    /// The query parameters that the route knows; `None`: it reads the query itself.
    pub const fn parameters(&self) -> Option<&'static [&'static str]> {
        match self {
            Self::Health(_) | Self::Open(_) => None,
            Self::User(ForUser::Picture(Format::Svg, _)) => Some(&["theme"]),
            Self::User(ForUser::Picture(Format::Png, _)) => Some(&["width", "theme"]),
            Self::User(ForUser::Requests) => Some(&["status", "limit", "cursor"]),
            Self::User(ForUser::Deliveries) => Some(&["status", "limit", "cursor"]),
            Self::Admin(ForAdmin::AllDeliveries) => Some(&["status", "user", "limit", "cursor"]),
            Self::User(ForUser::Invoice) => Some(&["month", "format"]),
            Self::Admin(ForAdmin::Invoices) => Some(&["month", "user", "format", "limit", "cursor"]),
            Self::Admin(ForAdmin::Stats) => Some(&["from", "to", "groupBy"]),
            Self::Admin(ForAdmin::Users | ForAdmin::Keys) => Some(&["limit", "cursor"]),
            Self::Admin(ForAdmin::Waiting) => Some(&["limit"]),
            Self::Admin(ForAdmin::Timeline) => Some(&["from", "to", "step", "by"]),
            Self::Admin(ForAdmin::AllRequests) => {
                Some(&["status", "user", "tier", "model", "type", "from", "to", "q", "limit", "cursor"])
            }
            Self::Metrics | Self::User(_) | Self::Admin(_) => Some(&[]),
        }
    }
}

impl From<Miss> for Problem {
    fn from(miss: Miss) -> Self {
        match miss {
            Miss::Path => {
                Self::not_found("There is nothing at this path; GET /openapi.json lists every one.")
            }
            Miss::Method(allow) => {
                let detail = format!("This path does not take this method; it takes {allow}.");
                let problem = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
                match allow.parse() {
                    Ok(allow) => problem.with_header(hyper::header::ALLOW, allow),
                    Err(_) => problem,
                }
            }
        }
    }
}

/// A row of the table, for tests that hold documents to it.
#[cfg(test)]
#[derive(Debug)]
pub struct Row {
    method: &'static str,
    /// `None` is a parameter.
    segments: Vec<Option<&'static str>>,
}

#[cfg(test)]
impl Row {
    /// A call of it, `parameter` in each parameter's place.
    pub fn call(&self, parameter: &str) -> (&'static str, String) {
        let segments = self.segments.iter().map(|segment| segment.unwrap_or(parameter));
        (self.method, format!("/{}", segments.collect::<Vec<_>>().join("/")))
    }

    /// Whether it is this method's path, written with its parameters in braces.
    pub fn is(&self, method: &str, path: &str) -> bool {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        self.method.eq_ignore_ascii_case(method)
            && parts.len() == self.segments.len()
            && parts.iter().zip(&self.segments).all(|(part, segment)| match segment {
                Some(segment) => part == segment,
                None => part.starts_with('{'),
            })
    }
}

/// The rows of the table, read from its source.
#[cfg(test)]
pub fn rows() -> Vec<Row> {
    let source = include_str!("router.rs").split("_ => return None").next().unwrap();
    let lines = source.lines().map(str::trim).filter(|line| line.starts_with("(\"") && line.contains("=>"));
    let rows = lines.map(|line| {
        let (pattern, _) = line.split_once(" =>").unwrap();
        let (method, path) = pattern.trim_matches(['(', ')']).split_once(", ").unwrap();
        // A segment without quotation marks is a parameter.
        let segments = path.trim_matches(['[', ']']).split(", ");
        let segments = segments.map(|part| part.strip_prefix('"')?.strip_suffix('"')).collect();
        Row { method: method.trim_matches('"'), segments }
    });
    rows.collect()
}

#[cfg(test)]
#[path = "router_tests.rs"]
mod tests;
