//! Paths of the contract that this version does not serve.

use crate::http::problem::Problem;
use crate::http::respond::Answer;

/// `GET /` without an upgrade.
pub fn home() -> Answer {
    Err(Problem::not_found(
        "This is diagramd's API; it has no page here yet. POST a prompt to /api/diagram/generate, or open a WebSocket here.",
    ))
}
