//! The verdict on a source: the seam between whoever needs one and whoever can tell.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::Instant;

use crate::domain::{DiagramType, SourceError, Validation, ValidationStatus};

use super::extract::Draft;
use super::mend::{self, Mended};

/// For all mends of one answer together: two sources that are at their deadline.
const MENDING_TIME_MAX: Duration = Duration::from_secs(6);

/// Why a verdict is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A generated source: paid for, so it waits for its turn as long as that takes, and goes first.
    Generated,
    /// Somebody asks, known by this number: refused when too much waits already.
    Asked(i64),
}

/// What is known of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The kind of diagram (`flowchart`, `sequence`, …), when the language has kinds and one is told.
    pub kind: Option<String>,
    /// The verdict.
    pub validation: Validation,
    /// There is no verdict through no fault of the source: asked later, it may get one.
    pub is_temporary: bool,
}

/// Too many sources wait for their verdict; try again in a few seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many diagrams wait to be checked; try again in a few seconds")]
pub struct Busy;

/// A verdict on its way.
pub type Checking<'a> = Pin<Box<dyn Future<Output = Result<Report, Busy>> + Send + 'a>>;

/// Checks sources. Never blocks the thread that awaits it.
pub trait Checker: Send + Sync {
    /// Whether sources of this type get a verdict at all.
    fn knows(&self, diagram_type: DiagramType) -> bool;

    /// Says that a source of this type will come soon, so that what takes time is done meanwhile.
    fn expect(&self, _: DiagramType) {}

    /// The verdict on `source`. [`Busy`] only for what is [`Purpose::Asked`].
    fn check<'a>(&'a self, diagram_type: DiagramType, source: &'a str, purpose: Purpose) -> Checking<'a>;
}

/// A second opinion on what the parser accepts: whether it can be drawn. Some kinds' parsers
/// accept what no renderer draws. Called on a thread that may be blocked, with a stack of 8 MiB.
pub trait Drawing: Send + Sync {
    /// Whether a source of this kind that does not draw is to be called invalid.
    fn decides(&self, kind: &str) -> bool {
        matches!(kind, "gantt" | "c4" | "sankey" | "requirement")
    }

    /// Draws within a deadline of its own and throws the picture away.
    ///
    /// # Errors
    /// Why it cannot be drawn, in words for the author.
    fn draws(&self, source: &str) -> Result<(), Vec<SourceError>>;
}

impl Report {
    /// The verdict: valid without errors.
    pub fn verdict(kind: Option<String>, errors: Vec<SourceError>) -> Self {
        let status = if errors.is_empty() { ValidationStatus::Valid } else { ValidationStatus::Invalid };
        Self { kind, validation: Validation::of(status, errors), is_temporary: false }
    }

    /// Nothing here can tell.
    pub fn unchecked() -> Self {
        Self { kind: None, validation: Validation::unchecked(), is_temporary: false }
    }

    /// No verdict, and why, for people.
    pub fn undecided(message: impl Into<String>, is_temporary: bool) -> Self {
        let error = SourceError { line: 0, column: 0, message: message.into() };
        let validation = Validation::of(ValidationStatus::Unchecked, vec![error]);
        Self { kind: None, validation, is_temporary }
    }
}

/// Checks nothing, and says so.
#[derive(Clone, Copy, Debug)]
pub struct Unchecked;

impl Checker for Unchecked {
    fn knows(&self, _: DiagramType) -> bool {
        false
    }

    fn check<'a>(&'a self, _: DiagramType, _: &'a str, _: Purpose) -> Checking<'a> {
        Box::pin(std::future::ready(Ok(Report::unchecked())))
    }
}

/// The verdict on a generated draft; one that `max_tokens` cut off is never valid, whatever a
/// parser says.
pub async fn verdict(
    checker: &dyn Checker,
    diagram_type: DiagramType,
    draft: &Draft,
    cut_off: Option<u32>,
) -> Validation {
    let Some(max_tokens) = cut_off else {
        // What is generated is never refused for being too much; if it were, nothing is known.
        let checked = checker.check(diagram_type, &draft.source, Purpose::Generated).await;
        return checked.map_or_else(|Busy| Validation::unchecked(), |report| report.validation);
    };
    let lines = draft.source.lines().count().max(1);
    let column = draft.source.lines().last().map_or(0, |line| line.chars().count()) + 1;
    let error = SourceError {
        line: u32::try_from(lines).unwrap_or(u32::MAX),
        column: u32::try_from(column).unwrap_or(u32::MAX),
        message: format!(
            "The answer was cut off at {max_tokens} tokens. Ask with a larger maxTokens, or for a smaller diagram."
        ),
    };
    Validation::of(ValidationStatus::Invalid, vec![error])
}

/// A source that its parser refused, after as few mends as make the parser accept it; `None` when
/// none do, or none that the parser gives its verdict on in time. The upstream's slot is held
/// meanwhile: the first candidate without a verdict is the last.
pub async fn mended(checker: &dyn Checker, diagram_type: DiagramType, source: &str) -> Option<Mended> {
    if !mend::mends(diagram_type) {
        return None;
    }
    let end = Instant::now() + MENDING_TIME_MAX;
    let accepts = |candidate: String| async move {
        // As it will be returned.
        let checking = checker.check(diagram_type, candidate.trim_end(), Purpose::Generated);
        match tokio::time::timeout_at(end, checking).await.ok()?.ok()?.validation.status {
            ValidationStatus::Valid => Some(true),
            ValidationStatus::Invalid => Some(false),
            ValidationStatus::Unchecked | ValidationStatus::Repaired => None,
        }
    };
    let mut mended = mend::mend_with(source, accepts).await?;
    mended.source.truncate(mended.source.trim_end().len());
    Some(mended)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// Says the same of every source, after some time, and counts.
    struct Says(Report, Duration, AtomicUsize);

    impl Checker for Says {
        fn knows(&self, _: DiagramType) -> bool {
            true
        }

        fn check<'a>(&'a self, _: DiagramType, _: &'a str, _: Purpose) -> Checking<'a> {
            self.2.fetch_add(1, Ordering::Relaxed);
            Box::pin(async {
                tokio::time::sleep(self.1).await;
                Ok(self.0.clone())
            })
        }
    }

    /// How many candidates are tried when each gets this report after this time, and for how long.
    async fn tried(report: Report, after: Duration) -> (usize, Duration) {
        let checker = Says(report, after, AtomicUsize::new(0));
        // As many mistakes as rules know of.
        let source = "```mermaid\nflow chart TD\n a[f(x)] -> end\n my node → b: yes\n style a\n subgraph s\n```\nHere.";
        let begin = Instant::now();
        assert_eq!(mended(&checker, DiagramType::Mermaid, source).await, None);
        (checker.2.into_inner(), begin.elapsed())
    }

    #[tokio::test(start_paused = true)]
    async fn mending_ends_with_the_first_candidate_without_a_verdict_and_in_time() {
        let error = SourceError { line: 1, column: 1, message: "no".to_owned() };
        let refused = || Report::verdict(None, vec![error.clone()]);
        let (all, _) = tried(refused(), Duration::ZERO).await;
        assert!(all > 4, "{all}");
        let second = Duration::from_secs(1);
        assert_eq!(tried(Report::undecided("too slow", false), second).await, (1, second));
        let (some, took) = tried(refused(), 2 * second - Duration::from_millis(100)).await;
        assert_eq!((some, took), (4, 6 * second), "the fourth is not waited for");
    }

    #[tokio::test]
    async fn a_cut_off_answer_is_never_valid() {
        let draft = Draft { source: "flowchart TD\n A -->".into(), title: None };
        let whole = verdict(&Unchecked, DiagramType::Mermaid, &draft, None).await;
        assert_eq!(whole.status, ValidationStatus::Unchecked);
        let cut = verdict(&Unchecked, DiagramType::Mermaid, &draft, Some(64)).await;
        assert_eq!(cut.status, ValidationStatus::Invalid);
        assert_eq!((cut.errors[0].line, cut.errors[0].column), (2, 7), "after what there is");
        assert!(cut.errors[0].message.contains("64 tokens"));
    }
}
