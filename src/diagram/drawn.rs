//! Verdicts by drawing: a language that nothing here can parse is what its server can draw.

use std::sync::Arc;

use crate::domain::DiagramType;

use super::check::{Busy, Checker, Checking, Purpose, Report};
use super::draw;
use super::picture::{Remote, Undrawn};

/// `checker` first; what it does not know, `remote` draws.
pub struct ByDrawing {
    checker: Arc<dyn Checker>,
    remote: Arc<dyn Remote>,
}

impl ByDrawing {
    /// Both together.
    pub fn new(checker: Arc<dyn Checker>, remote: Arc<dyn Remote>) -> Self {
        Self { checker, remote }
    }

    async fn report(
        &self,
        diagram_type: DiagramType,
        source: &str,
        purpose: Purpose,
    ) -> Result<Report, Busy> {
        let drawn = match self.remote.svg(diagram_type, source, purpose).await {
            Ok(svg) => is_drawing(svg).await,
            Err(reason) => Err(reason),
        };
        match drawn {
            Ok(()) => Ok(Report::verdict(None, Vec::new())),
            Err(Undrawn::Source(errors)) => Ok(Report::verdict(None, errors)),
            Err(Undrawn::Busy) => Err(Busy),
            // No word on the source: it stays unchecked, and the author hears why.
            Err(reason) => {
                tracing::warn!(%reason, %diagram_type, "a diagram was not checked");
                Ok(Report::undecided("The server that checks this language gave no verdict.", true))
            }
        }
    }
}

/// Whether it is a drawing at all, and not the page of some proxy before it.
async fn is_drawing(svg: String) -> Result<(), Undrawn> {
    // Megabytes of it take a while.
    let cleaned = tokio::task::spawn_blocking(move || draw::clean(&svg)).await;
    let cleaned = cleaned.map_err(|reason| Undrawn::Fault(reason.to_string()))?;
    cleaned.map(drop).map_err(|reason| Undrawn::Away(format!("what was drawn cannot be used: {reason}")))
}

impl Checker for ByDrawing {
    fn knows(&self, _: DiagramType) -> bool {
        true
    }

    fn expect(&self, diagram_type: DiagramType) {
        self.checker.expect(diagram_type);
    }

    fn check<'a>(&'a self, diagram_type: DiagramType, source: &'a str, purpose: Purpose) -> Checking<'a> {
        if self.checker.knows(diagram_type) {
            return self.checker.check(diagram_type, source, purpose);
        }
        Box::pin(self.report(diagram_type, source, purpose))
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::Unchecked;
    use super::super::picture::Fetching;
    use super::*;
    use crate::domain::ValidationStatus;

    struct Says(Result<String, Undrawn>);

    impl Remote for Says {
        fn svg<'a>(&'a self, _: DiagramType, _: &'a str, _: Purpose) -> Fetching<'a> {
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    async fn status(says: Result<String, Undrawn>) -> Result<ValidationStatus, Busy> {
        let checker = ByDrawing::new(Arc::new(Unchecked), Arc::new(Says(says)));
        let report = checker.check(DiagramType::D2, "a -> b", Purpose::Generated).await?;
        Ok(report.validation.status)
    }

    #[tokio::test]
    async fn what_is_drawn_is_valid_and_silence_is_no_verdict() {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
        assert_eq!(status(Ok(svg.into())).await, Ok(ValidationStatus::Valid));
        for other in ["", "<html>Log in</html>", "ok"] {
            assert_eq!(status(Ok(other.into())).await, Ok(ValidationStatus::Unchecked), "{other}");
        }
        assert_eq!(status(Err(Undrawn::source("no"))).await, Ok(ValidationStatus::Invalid));
        assert_eq!(status(Err(Undrawn::Away("gone".into()))).await, Ok(ValidationStatus::Unchecked));
        assert_eq!(status(Err(Undrawn::Busy)).await, Err(Busy));
    }
}
