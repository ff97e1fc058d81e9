//! `GET /api/diagram/templates`.

use hyper::StatusCode;
use serde::Serialize;

use crate::diagram::template::Template;
use crate::http::api::Api;
use crate::http::respond::{self, Answer};

#[derive(Serialize)]
struct List<'a> {
    templates: &'a [Template],
}

/// Every template with its variables, by name; the instructions themselves are not told.
///
/// # Errors
/// 500 when it cannot be rendered.
pub fn list(api: &Api) -> Answer {
    respond::json(StatusCode::OK, &List { templates: api.templates.all() })
}
