//! Pictures: of a completed request, and of a source that the caller has.

use std::sync::Arc;

use hyper::StatusCode;
use hyper::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap, HeaderValue};
use serde::Deserialize;

use crate::accounts::Caller;
use crate::diagram::picture::{Format, Order, Theme, Undrawn, WIDTH_MAX, WIDTH_MIN};
use crate::domain::{DiagramType, JobState, SourceError};
use crate::http::api::Api;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused, refused_field};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::respond::{self, Answer};

use super::request;

/// Nothing in a picture runs or is fetched, also when it is opened by itself.
const POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
/// A completed request's picture stays what it is; fonts and colours change with the server.
const KEPT: HeaderValue = HeaderValue::from_static("private, max-age=3600");
const NOT_KEPT: HeaderValue = HeaderValue::from_static("no-store");
/// Seconds after which some of what waits has had its turn.
const BUSY_SECONDS: u64 = 3;
/// Seconds after which to try what does not work again.
const AWAY_SECONDS: u64 = 30;

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    source: String,
    #[serde(default)]
    diagram_type: DiagramType,
    #[serde(default)]
    format: Option<String>,
    #[serde(default)]
    theme: Option<String>,
    #[serde(default)]
    width: Option<u32>,
}

impl JsonBody for Question {
    const FIELDS: &'static [Field] = &[
        Field::required::<String>("source", "a string"),
        Field::optional::<DiagramType>("diagramType", "mermaid, graphviz, plantuml or d2"),
        Field::optional::<Option<String>>("format", FORMATS),
        Field::optional::<Option<String>>("theme", THEMES),
        Field::optional::<Option<u32>>("width", "a whole number of pixels from 16 to 4096"),
    ];
}

const THEMES: &str = "default, neutral, dark or forest";
const FORMATS: &str = "svg or png";

/// `GET /api/diagram/svg/{id}` and `png/{id}`.
///
/// # Errors
/// 404 for an unknown id and for another user's, 409 for a request that has no result, 422 for
/// one that cannot be drawn, 503 when too much waits or what draws it does not work.
pub async fn of_request(
    api: &Arc<Api>,
    caller: &Caller,
    format: Format,
    id: &str,
    query: &Query<'_>,
    headers: &HeaderMap,
) -> Answer {
    let (theme, width) = query.read(|all| {
        let theme = all.value::<Theme>("theme", THEMES);
        let expected = format!("Must be a whole number of pixels from {WIDTH_MIN} to {WIDTH_MAX}.");
        let width = all.parsed("width", &expected, |text| text.parse().ok().filter(is_width));
        (theme.unwrap_or_default(), width)
    })?;
    let id = request::id(id)?;
    let job = api.reader.read(move |reads| reads.job(id)).await?;
    let job = job.filter(|job| request::may_see(caller, job)).ok_or_else(request::unknown)?;
    let Some(source) = job.outcome.source.as_deref().filter(|_| job.state == JobState::Completed) else {
        return Err(not_completed(job.state));
    };
    let order = Order { diagram_type: job.diagram_type, source, format, theme, width, caller: caller.user.0 };
    let picture = api.artist.draw(order).await.map_err(|reason| problem(reason, "/result"))?;
    let mut response = respond::tagged(headers, picture, KEPT);
    dress(response.headers_mut(), format);
    Ok(response)
}

/// `POST /api/diagram/render`.
///
/// # Errors
/// As [`of_request`], without 404 and 409.
pub async fn render(api: &Arc<Api>, caller: &Caller, call: &mut Call) -> Answer {
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let question: Question = json::decode(&bytes)?;
    let theme = question.theme.as_deref().map(str::parse::<Theme>).transpose();
    let format = match question.format.as_deref() {
        None => Some(Format::Svg),
        Some(name) => Format::ALL.into_iter().find(|format| format.name() == name),
    };
    let mut faults = Vec::new();
    let mut fault = |pointer: &str, detail: String| {
        faults.push(FieldError { pointer: pointer.to_owned(), detail });
    };
    if format.is_none() {
        fault("/format", format!("Must be {FORMATS}."));
    }
    if theme.is_err() {
        fault("/theme", format!("Must be {THEMES}."));
    }
    if question.width.is_some_and(|width| !is_width(&width)) {
        fault("/width", format!("Must be a whole number of pixels from {WIDTH_MIN} to {WIDTH_MAX}."));
    } else if question.width.is_some() && format == Some(Format::Svg) {
        fault("/width", "Is for a PNG; an SVG has any width. Leave it out, or ask for a PNG.".to_owned());
    }
    if let Err(missing) = api.artist.draws(question.diagram_type) {
        fault("/diagramType", missing);
    }
    let Some(format) = format.filter(|_| faults.is_empty()) else {
        return Err(refused(faults));
    };
    let order = Order {
        diagram_type: question.diagram_type,
        source: &question.source,
        format,
        theme: theme.ok().flatten().unwrap_or_default(),
        width: question.width,
        caller: caller.user.0,
    };
    let picture = api.artist.draw(order).await.map_err(|reason| problem(reason, "/source"))?;
    let mut response = respond::bytes(picture, NOT_KEPT);
    dress(response.headers_mut(), format);
    Ok(response)
}

const fn is_width(width: &u32) -> bool {
    WIDTH_MIN <= *width && *width <= WIDTH_MAX
}

fn dress(headers: &mut HeaderMap, format: Format) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    debug_assert!(headers.contains_key(CACHE_CONTROL));
}

fn not_completed(state: JobState) -> Problem {
    let detail = match state {
        JobState::Queued | JobState::Processing | JobState::Completed => {
            "The request has no result yet; ask again when its status is completed."
        }
        JobState::Failed | JobState::Cancelled | JobState::Expired => {
            "The request ended without a result, so there is nothing to draw; look at its status."
        }
    };
    Problem::new(StatusCode::CONFLICT, "not_completed", detail)
}

/// `pointer` says where the source stands.
fn problem(reason: Undrawn, pointer: &str) -> Problem {
    let unprocessable =
        |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_drawable", detail);
    let unavailable = |code, detail: &str| Problem::new(StatusCode::SERVICE_UNAVAILABLE, code, detail);
    match reason {
        Undrawn::Busy => {
            let detail = "Too many pictures wait to be drawn; try again in a few seconds.";
            unavailable("drawings_full", detail).with_retry_after(BUSY_SECONDS)
        }
        Undrawn::NotHere(missing) if pointer == "/source" => refused_field("/diagramType", missing),
        Undrawn::NotHere(missing) => unprocessable(missing),
        Undrawn::Source(errors) => {
            let detail = "The diagram cannot be drawn; see errors for what is wrong with it.";
            let faults = errors
                .iter()
                .map(|error| FieldError { pointer: pointer.to_owned(), detail: sentence(error) });
            unprocessable(detail.to_owned()).with_errors(faults.collect())
        }
        Undrawn::TooSlow(allowed) => unprocessable(format!(
            "Drawing the diagram took longer than {} seconds. Make it smaller or simpler.",
            allowed.as_secs_f32()
        )),
        Undrawn::Away(reason) => {
            tracing::warn!(reason, "a picture could not be drawn");
            let detail = "What draws this language does not work at the moment; try again later.";
            unavailable("drawing_unavailable", detail).with_retry_after(AWAY_SECONDS)
        }
        Undrawn::Fault(reason) => Problem::internal(&reason),
    }
}

fn sentence(error: &SourceError) -> String {
    match (error.line, error.column) {
        (0, _) => error.message.clone(),
        (line, 0) => format!("Line {line}: {}", error.message),
        (line, column) => format!("Line {line}, column {column}: {}", error.message),
    }
}
