//! Who checks which language in this build.

use std::path::Path;
use std::sync::Arc;

use crate::domain::{DiagramType, SourceError};

use super::check::{Checker, Checking, Drawing, Purpose, Report};
use super::dot;

/// The checker of this build: Mermaid by its own parser when the feature `validate` is on,
/// Graphviz by the published grammar; other languages end unchecked. `program` is diagramd's own
/// program, whose processes hold Mermaid's parser; `drawing` is asked about what that accepts.
pub fn built_in(program: &Path, drawing: Option<Arc<dyn Drawing>>) -> Arc<dyn Checker> {
    Arc::new(BuiltIn { mermaid: mermaid(program, drawing) })
}

#[cfg(feature = "validate")]
fn mermaid(program: &Path, drawing: Option<Arc<dyn Drawing>>) -> impl Checker + use<> {
    super::mermaid::Parsers::new(super::mermaid::Settings::default(), program, drawing)
}

#[cfg(not(feature = "validate"))]
fn mermaid(_: &Path, _: Option<Arc<dyn Drawing>>) -> impl Checker + use<> {
    super::check::Unchecked
}

struct BuiltIn<M> {
    mermaid: M,
}

impl<M: Checker> Checker for BuiltIn<M> {
    fn knows(&self, diagram_type: DiagramType) -> bool {
        match diagram_type {
            DiagramType::Mermaid => self.mermaid.knows(diagram_type),
            DiagramType::Graphviz => true,
            DiagramType::Plantuml | DiagramType::D2 => false,
        }
    }

    fn expect(&self, diagram_type: DiagramType) {
        if diagram_type == DiagramType::Mermaid {
            self.mermaid.expect(diagram_type);
        }
    }

    fn check<'a>(&'a self, diagram_type: DiagramType, source: &'a str, purpose: Purpose) -> Checking<'a> {
        match diagram_type {
            DiagramType::Mermaid => self.mermaid.check(diagram_type, source, purpose),
            DiagramType::Graphviz => Box::pin(std::future::ready(Ok(graphviz(source)))),
            DiagramType::Plantuml | DiagramType::D2 => Box::pin(std::future::ready(Ok(Report::unchecked()))),
        }
    }
}

/// Linear in the source, which is at most a body or an answer long.
fn graphviz(source: &str) -> Report {
    let dot::Report { kind, errors, .. } = dot::check(source);
    Report::verdict(kind.map(str::to_owned), errors.into_iter().map(SourceError::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ValidationStatus;

    /// Nothing here needs a program.
    fn built_in() -> Arc<dyn Checker> {
        super::built_in(Path::new("/nonexistent"), None)
    }

    async fn report(diagram_type: DiagramType, source: &str) -> Report {
        built_in().check(diagram_type, source, Purpose::Asked(1)).await.unwrap()
    }

    #[tokio::test]
    async fn graphviz_is_checked_by_its_grammar() {
        assert!(built_in().knows(DiagramType::Graphviz));
        let good = report(DiagramType::Graphviz, "digraph { a -> {b c} }").await;
        assert_eq!(
            (good.kind.as_deref(), good.validation.status),
            (Some("digraph"), ValidationStatus::Valid)
        );
        let bad = report(DiagramType::Graphviz, "graph {\n  a -> b\n}").await;
        assert_eq!(bad.validation.status, ValidationStatus::Invalid);
        assert_eq!((bad.validation.errors[0].line, bad.validation.errors[0].column), (2, 5));
    }

    #[tokio::test]
    async fn what_nothing_here_can_check_is_unchecked() {
        for diagram_type in [DiagramType::Plantuml, DiagramType::D2] {
            assert!(!built_in().knows(diagram_type));
            assert_eq!(report(diagram_type, "a -> b").await, Report::unchecked());
        }
    }
}
