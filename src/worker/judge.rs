//! From a whole answer to what its job ends with: the source checked, mended by rules, sent back
//! to the model with its errors, or returned as it is.
//!
//! A repair call is no call of this run: the job goes back into the queue with the source and the
//! errors, and is claimed again like any other, so that budgets, the ledger and a crash know no
//! difference.

use crate::diagram::{check, extract, repair};
use crate::domain::failure::FailureCode;
use crate::domain::job::Outcome;
use crate::domain::{Claimed, Event, Failure, JobEvent, Repair, Validation, ValidationStatus};
use crate::provider::{Answer, Stop};
use crate::queue::Conclusion;

use super::Worker;
use super::run::Bounds;

impl Worker {
    /// What the job ends with. `corrects` says whether the upstream makes anything of errors.
    pub(super) async fn judge(
        &self,
        job: &Claimed,
        answer: &Answer,
        corrects: bool,
        bounds: &Bounds,
    ) -> Conclusion {
        let Some(draft) = extract::extract(&answer.text, job.diagram_type) else {
            return self.once_more(job, corrects).unwrap_or_else(|| Conclusion::Failed(no_diagram()));
        };
        self.tell_watchers(job, JobEvent::Validating);
        let cut_off = (answer.stop == Stop::CutOff).then_some(job.max_tokens);
        let checking = check::verdict(self.checker.as_ref(), job.diagram_type, &draft, cut_off);
        let validation = tokio::select! {
            biased;
            () = bounds.ended() => return Conclusion::Abandoned,
            validation = checking => validation,
            () = self.deadline(job) => return Conclusion::Expired,
        };
        let asked = job.repair.as_ref().filter(|_| corrects).map(|repair| repair.mends.clone());
        if validation.status != ValidationStatus::Invalid {
            let validation = match asked {
                Some(mends) if validation.status == ValidationStatus::Valid => Validation::repaired(mends),
                _ => validation,
            };
            // A correction need not repeat the title.
            let title = draft.title.or_else(|| job.repair.as_ref()?.title.clone());
            return completed(draft.source, title, validation);
        }
        if cut_off.is_some() {
            let as_it_is = || {
                let outcome = outcome(draft.source, draft.title, validation);
                Conclusion::Completed(Outcome { cut_off: true, ..outcome })
            };
            return self.once_more(job, corrects).unwrap_or_else(as_it_is);
        }
        let next = Repair::after(job.repair.as_ref(), draft.source, draft.title, validation.errors);
        let may_ask = corrects && next.number <= self.repair_attempts;
        let mended = tokio::select! {
            biased;
            () = bounds.any() => None,
            mended = check::mended(self.checker.as_ref(), job.diagram_type, &next.source) => mended,
            () = self.deadline(job) => None,
        };
        if let Some(mended) = mended {
            self.tell_watchers(job, JobEvent::Repairing { errors: next.errors });
            let mut mends = asked.unwrap_or_default();
            mends.extend(mended.what.into_iter().map(str::to_owned));
            return completed(mended.source, next.title, Validation::repaired(mends));
        }
        if may_ask && !self.is_past_deadline(job) {
            ask(job, next)
        } else {
            Conclusion::Completed(next.given_up())
        }
    }

    /// After a repair call that brought no whole source: another one for the same source, or that
    /// source as it is. `None` when the call was no repair.
    fn once_more(&self, job: &Claimed, corrects: bool) -> Option<Conclusion> {
        let before = job.repair.as_ref()?;
        if !corrects || before.number >= self.repair_attempts || self.is_past_deadline(job) {
            return Some(Conclusion::Completed(before.given_up()));
        }
        Some(ask(job, Repair { number: before.number + 1, ..before.clone() }))
    }

    fn tell_watchers(&self, job: &Claimed, what: JobEvent) {
        self.bus.publish(Event { job: job.id, user: job.user, what });
    }
}

fn completed(source: String, title: Option<String>, validation: Validation) -> Conclusion {
    Conclusion::Completed(outcome(source, title, validation))
}

fn outcome(source: String, title: Option<String>, validation: Validation) -> Outcome {
    Outcome { source: Some(source), title, validation: Some(validation), ..Outcome::default() }
}

fn ask(job: &Claimed, next: Repair) -> Conclusion {
    let estimated_input =
        repair::estimate_input_tokens(job.diagram_type, &job.brief, &next.source, &next.errors);
    Conclusion::Repair { repair: Box::new(next), estimated_input }
}

fn no_diagram() -> Failure {
    Failure {
        code: FailureCode::NoDiagram,
        message: "The model answered without a diagram. Say more plainly what to draw, or try again."
            .to_owned(),
        retryable: true,
    }
}
