//! Answers and pages of figures, as whoever counts sees them. `app` joins the two.

use std::time::Duration;

use hyper::StatusCode;

use crate::config::Secret;
use crate::domain::JobId;

use super::trace::Traced;

/// An answer on its way.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// The call's place in its caller's trace.
    pub traced: &'a Traced,
    /// The request that the call is about, where it made one.
    pub job: Option<JobId>,
    /// The call's method; `other` for one that no route takes.
    pub method: &'static str,
    /// The route's path in the table; `unknown` for what it does not have.
    pub route: &'static str,
    /// The status.
    pub status: StatusCode,
    /// The problem's code, for an answer that is one.
    pub problem: Option<&'static str>,
    /// From the call's head to the answer's.
    pub elapsed: Duration,
}

/// Hears of every answer; must not block.
pub type AnswerListener = Box<dyn Fn(&Answered<'_>) + Send + Sync>;

/// Writes the page of figures for who accepts these types: its content type and its text; `None`
/// when it cannot be written, which would be our mistake.
pub type WriteFigures = Box<dyn Fn(Option<&str>) -> Option<(&'static str, String)> + Send + Sync>;

/// `/metrics`: what it shows, and to whom.
pub struct Figures {
    /// Who brings it may read; `None`: on the main listener, admins may.
    pub token: Option<Secret>,
    /// Whether the page has a listener of its own, and so none of this one.
    pub has_own_listener: bool,
    /// Writes it.
    pub write: WriteFigures,
}
