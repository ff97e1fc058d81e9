//! A source that its language's parser refused, kept until a further call has corrected it.

use serde::{Deserialize, Serialize};

use super::job::Outcome;
use super::{SourceError, Validation, ValidationStatus};

/// Errors told of one round in [`Repair::mends`].
const ERRORS_TOLD: usize = 3;
/// Characters of such an error.
const ERROR_CHARS: usize = 160;

/// A repair on its way: stored with the job, so that it survives whatever the call does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Which repair call this is for, from 1.
    pub number: u32,
    /// The source that does not parse.
    pub source: String,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Why not.
    pub errors: Vec<SourceError>,
    /// What every repair so far, this one included, was asked to correct.
    pub mends: Vec<String>,
}

impl Repair {
    /// The first repair of a source, or the one after `before`.
    pub fn after(
        before: Option<&Self>,
        source: String,
        title: Option<String>,
        errors: Vec<SourceError>,
    ) -> Self {
        let mut mends = before.map(|before| before.mends.clone()).unwrap_or_default();
        mends.push(asked(&errors));
        let title = title.or_else(|| before.and_then(|before| before.title.clone()));
        Self { number: before.map_or(0, |before| before.number) + 1, source, title, errors, mends }
    }

    /// What the job ends with when no further call can be made or none helps: the source as it
    /// is, with its errors.
    pub fn given_up(&self) -> Outcome {
        Outcome {
            source: Some(self.source.clone()),
            title: self.title.clone(),
            validation: Some(Validation::of(ValidationStatus::Invalid, self.errors.clone())),
            failure: None,
            cut_off: false,
        }
    }

    /// Bytes of its texts, for bounds of what is held in memory at once.
    pub fn bytes(&self) -> usize {
        let errors: usize = self.errors.iter().map(|error| error.message.len()).sum();
        let mends: usize = self.mends.iter().map(String::len).sum();
        self.source.len() + self.title.as_ref().map_or(0, String::len) + errors + mends
    }
}

/// What one repair call was for, as a clause for people.
fn asked(errors: &[SourceError]) -> String {
    let told = errors.iter().take(ERRORS_TOLD).map(|error| {
        let text: String = error.message.chars().take(ERROR_CHARS).collect();
        let cut = if text.len() < error.message.len() { "…" } else { "" };
        match error.line {
            0 => format!("{text}{cut}"),
            line => format!("line {line}: {text}{cut}"),
        }
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        return "had the model correct the source".to_owned();
    }
    let more = match errors.len().saturating_sub(ERRORS_TOLD) {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    format!("had the model correct: {}{more}", told.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(line: u32, message: &str) -> SourceError {
        SourceError { line, column: 1, message: message.to_owned() }
    }

    #[test]
    fn repairs_count_up_and_remember_what_was_asked_and_the_title() {
        let first = Repair::after(None, "a".into(), Some("Title".into()), vec![error(3, "No bracket.")]);
        assert_eq!(
            (first.number, first.mends.as_slice()),
            (1, &["had the model correct: line 3: No bracket.".to_owned()][..])
        );
        let errors =
            vec![error(0, "Odd."), error(1, "b"), error(2, &"c".repeat(500)), error(3, "d"), error(4, "e")];
        let second = Repair::after(Some(&first), "b".into(), None, errors);
        assert_eq!((second.number, second.title.as_deref(), second.mends.len()), (2, Some("Title"), 2));
        assert!(
            second.mends[1].starts_with("had the model correct: Odd. line 1: b line 2: cc"),
            "{second:?}"
        );
        assert!(second.mends[1].ends_with("c… (and 2 more)"), "{second:?}");
        assert_eq!(
            Repair::after(None, "a".into(), None, Vec::new()).mends,
            ["had the model correct the source"]
        );
    }

    #[test]
    fn what_cannot_be_repaired_is_returned_as_it_is_and_costs_no_unit() {
        let outcome = Repair::after(None, "a".into(), None, vec![error(1, "x")]).given_up();
        assert_eq!(outcome.source.as_deref(), Some("a"));
        assert!(outcome.returns_unit() && outcome.failure.is_none());
    }
}
