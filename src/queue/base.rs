//! The diagram that a request changes: a finished request's, or a source of the caller's own.

use crate::domain::{BASE_SOURCE_BYTES_MAX, DiagramType, JobId, JobState, UserId};
use crate::store::StoreError;

use super::Queue;
use super::request::SubmitRequest;

/// What a `baseRequestId` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Base {
    /// There is none, or it was not looked for.
    Unnamed,
    /// No completed request of the caller's.
    Missing,
    /// A completed one; its source may be `invalid`.
    Found {
        /// Its language.
        diagram_type: DiagramType,
        /// Its source.
        source: String,
    },
}

impl Base {
    /// The language of what is changed.
    pub(super) fn diagram_type(&self) -> Option<DiagramType> {
        match self {
            Self::Found { diagram_type, .. } => Some(*diagram_type),
            Self::Unnamed | Self::Missing => None,
        }
    }

    /// The source that is changed.
    pub(super) fn into_source(self) -> Option<String> {
        match self {
            Self::Found { source, .. } => Some(source),
            Self::Unnamed | Self::Missing => None,
        }
    }
}

impl Queue {
    /// What a request's `baseRequestId` names. Another user's request is as good as none.
    pub(super) async fn base_of(&self, user: UserId, request: &SubmitRequest) -> Result<Base, StoreError> {
        let Some(id) = &request.base_request_id else { return Ok(Base::Unnamed) };
        let Ok(id) = id.parse::<JobId>() else { return Ok(Base::Unnamed) };
        let job = self.inner.reader.read(move |reads| reads.job(id)).await?;
        let job = job.filter(|job| job.user == user && job.state == JobState::Completed);
        let found = job.and_then(|job| Some((job.diagram_type, job.outcome.source?)));
        Ok(found.map_or(Base::Missing, |(diagram_type, source)| Base::Found { diagram_type, source }))
    }
}

/// Holds what a body says of its base against the rules.
pub(super) fn check(request: &SubmitRequest, base: &Base, fault: &mut impl FnMut(&'static str, String)) {
    if request.base_source.is_some() && request.base_request_id.is_some() {
        fault("/baseSource", "Give either baseSource or baseRequestId, not both.".into());
    }
    if let Some(source) = &request.base_source {
        if source.trim().is_empty() {
            fault("/baseSource", "Is empty; leave it out to start from nothing.".into());
        } else if source.len() > BASE_SOURCE_BYTES_MAX {
            fault("/baseSource", format!("Must be at most {BASE_SOURCE_BYTES_MAX} bytes."));
        }
    }
    if request.base_request_id.as_ref().is_some_and(|id| id.parse::<JobId>().is_err()) {
        fault("/baseRequestId", "Is not a request id (req_ and 32 hexadecimal digits).".into());
    }
    match base {
        Base::Unnamed => {}
        Base::Missing => fault("/baseRequestId", "Names no completed request of yours.".into()),
        Base::Found { source, .. } if source.len() > BASE_SOURCE_BYTES_MAX => fault(
            "/baseRequestId",
            format!("Its diagram has more than {BASE_SOURCE_BYTES_MAX} bytes, which is too large to change."),
        ),
        Base::Found { diagram_type, .. } => {
            if request.diagram_type.is_some_and(|asked| asked != *diagram_type) {
                fault(
                    "/diagramType",
                    format!(
                        "The request to change is a {diagram_type} diagram; leave diagramType out, or start from its text with baseSource."
                    ),
                );
            }
        }
    }
}
