//! Drawing whose refusals are in the checker's words: what a renderer says of a source is for its
//! authors, and often without a place.

use std::sync::Arc;

use crate::domain::{DiagramType, ValidationStatus};

use super::check::{Checker, Purpose};
use super::picture::{Artist, Drawing, Order, Undrawn};

/// `artist` draws; `checker` says what is wrong with what it cannot draw.
pub struct Explained {
    artist: Arc<dyn Artist>,
    checker: Arc<dyn Checker>,
}

impl Explained {
    /// Both together.
    pub fn new(artist: Arc<dyn Artist>, checker: Arc<dyn Checker>) -> Self {
        Self { artist, checker }
    }

    async fn explain(&self, order: Order<'_>, reason: Undrawn) -> Undrawn {
        if !matches!(reason, Undrawn::Source(_)) {
            return reason;
        }
        let checking = self.checker.check(order.diagram_type, order.source, Purpose::Asked(order.caller));
        match checking.await {
            Ok(report) if report.validation.status == ValidationStatus::Invalid => {
                Undrawn::Source(report.validation.errors)
            }
            // The parser accepts it, or gives no verdict: the renderer's words are all there is.
            Ok(_) | Err(_) => reason,
        }
    }
}

impl Artist for Explained {
    fn draws(&self, diagram_type: DiagramType) -> Result<(), String> {
        self.artist.draws(diagram_type)
    }

    fn draw<'a>(&'a self, order: Order<'a>) -> Drawing<'a> {
        Box::pin(async move {
            match self.artist.draw(order).await {
                Err(reason) => Err(self.explain(order, reason).await),
                drawn => drawn,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{Busy, Checking, Report};
    use super::super::picture::{Format, Theme};
    use super::*;
    use crate::domain::SourceError;

    struct Refuses(Undrawn);

    impl Artist for Refuses {
        fn draws(&self, _: DiagramType) -> Result<(), String> {
            Ok(())
        }

        fn draw<'a>(&'a self, _: Order<'a>) -> Drawing<'a> {
            Box::pin(std::future::ready(Err(self.0.clone())))
        }
    }

    struct Says(Result<Report, Busy>);

    impl Checker for Says {
        fn knows(&self, _: DiagramType) -> bool {
            true
        }

        fn check<'a>(&'a self, _: DiagramType, _: &'a str, _: Purpose) -> Checking<'a> {
            Box::pin(std::future::ready(self.0.clone()))
        }
    }

    async fn told(reason: Undrawn, says: Result<Report, Busy>) -> Undrawn {
        let artist = Explained::new(Arc::new(Refuses(reason)), Arc::new(Says(says)));
        let order = Order {
            diagram_type: DiagramType::Mermaid,
            source: "flowchart TD\n a -->",
            format: Format::Svg,
            theme: Theme::Default,
            width: None,
            caller: 1,
        };
        artist.draw(order).await.unwrap_err()
    }

    #[tokio::test]
    async fn a_source_is_refused_in_the_words_of_its_parser() {
        let raw = || Undrawn::source("parse error");
        let errors = vec![SourceError { line: 2, column: 7, message: "Name the node.".to_owned() }];
        let invalid = Report::verdict(None, errors.clone());
        assert_eq!(told(raw(), Ok(invalid.clone())).await, Undrawn::Source(errors));
        assert_eq!(told(raw(), Ok(Report::verdict(None, Vec::new()))).await, raw(), "it parses");
        assert_eq!(told(raw(), Ok(Report::unchecked())).await, raw());
        assert_eq!(told(raw(), Err(Busy)).await, raw());
        let away = Undrawn::Away("gone".to_owned());
        assert_eq!(told(away.clone(), Ok(invalid)).await, away, "nothing was said of the source");
    }
}
