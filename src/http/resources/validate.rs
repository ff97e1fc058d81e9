//! `POST /api/diagram/validate`: the verdict on a source that the caller has.

use std::sync::Arc;

use hyper::StatusCode;
use serde::{Deserialize, Serialize};

use crate::accounts::Caller;
use crate::diagram::check::{Busy, Purpose, Report};
use crate::domain::{DiagramType, SourceError, ValidationStatus};
use crate::http::api::Api;
use crate::http::call::Call;
use crate::http::inbound;
use crate::http::json::{self, Field, JsonBody, refused_field};
use crate::http::problem::Problem;
use crate::http::respond::{self, Answer};

/// Seconds after which some of what waits has had its turn: one source takes three at most.
const BUSY_SECONDS: u64 = 3;
/// Seconds after which to ask a server that gave no verdict again.
const AWAY_SECONDS: u64 = 30;

/// What is asked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Question {
    source: String,
    #[serde(default)]
    diagram_type: DiagramType,
}

impl JsonBody for Question {
    const FIELDS: &'static [Field] = &[
        Field::required::<String>("source", "a string"),
        Field::optional::<DiagramType>("diagramType", "mermaid, graphviz, plantuml or d2"),
    ];
}

/// The verdict as it is told, here and on the command line.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict<'a> {
    valid: bool,
    diagram_type: DiagramType,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    errors: &'a [SourceError],
}

impl<'a> Verdict<'a> {
    /// What a report says of a source in this language.
    pub fn of(diagram_type: DiagramType, report: &'a Report) -> Self {
        Self {
            valid: report.validation.status == ValidationStatus::Valid,
            diagram_type,
            kind: report.kind.as_deref(),
            errors: &report.validation.errors,
        }
    }
}

/// The verdict; a source that is not valid is an answer, not an error.
///
/// # Errors
/// 422 for a type that nothing here checks and for a source that is too much to check, 503 when too
/// many sources wait or who checks them gives no verdict.
pub async fn validate(api: &Arc<Api>, caller: &Caller, call: &mut Call) -> Answer {
    let bytes = inbound::read_json(&call.head.headers, &mut call.body, api.options.max_body).await?;
    let Question { source, diagram_type } = json::decode(&bytes)?;
    if !api.checker.knows(diagram_type) {
        let detail = format!("This server cannot check {diagram_type}.");
        return Err(refused_field("/diagramType", detail));
    }
    let asker = Purpose::Asked(caller.user.0);
    let report = api.checker.check(diagram_type, &source, asker).await.map_err(Problem::from)?;
    if report.validation.status == ValidationStatus::Unchecked {
        return Err(not_checked(&report));
    }
    respond::json(StatusCode::OK, &Verdict::of(diagram_type, &report))
}

/// No verdict is no "not valid".
fn not_checked(report: &Report) -> Problem {
    let why = report.validation.errors.first().map_or("nothing is known of why", |error| &error.message);
    if report.is_temporary {
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "check_unavailable", why);
        return problem.with_retry_after(AWAY_SECONDS);
    }
    let detail = format!("The diagram could not be checked: {why}");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "not_checkable", detail)
}

impl From<Busy> for Problem {
    fn from(_: Busy) -> Self {
        let detail = "Too many diagrams wait to be checked; try again in a few seconds.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "checks_full", detail).with_retry_after(BUSY_SECONDS)
    }
}
