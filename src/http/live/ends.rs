//! Which ends a connection has told: each is told once, also when it is read from the row before
//! its event arrives; and a request queued again by an operator ends anew.

use std::collections::VecDeque;

use crate::domain::{JobId, Timestamp};
use crate::events::Envelope;

/// Ends remembered: as many as a mailbox may hold events of.
const TOLD_MAX: usize = 256;

#[derive(Default)]
pub(super) struct Ends {
    told: VecDeque<Told>,
}

struct Told {
    job: JobId,
    /// When the job ended: another end of the same job has another instant.
    ended_at: Option<Timestamp>,
    /// The number of the message that told it.
    seq: u64,
}

impl Ends {
    /// Remembers an end.
    pub(super) fn note(&mut self, job: JobId, ended_at: Option<Timestamp>, seq: u64) {
        self.told.retain(|told| told.job != job);
        if self.told.len() >= TOLD_MAX {
            self.told.pop_front();
        }
        self.told.push_back(Told { job, ended_at, seq });
    }

    /// Whether this end was told.
    pub(super) fn has(&self, job: JobId, ended_at: Option<Timestamp>) -> bool {
        self.told.iter().any(|told| told.job == job && told.ended_at == ended_at)
    }

    /// Whether an event is of a past that was told: the end itself, or something before it.
    pub(super) fn is_past(&self, envelope: &Envelope) -> bool {
        let job = envelope.event.job;
        if envelope.event.what.is_terminal() {
            return self.has(job, envelope.ended_at);
        }
        self.told.iter().any(|told| told.job == job && envelope.seq < told.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Event, JobEvent, JobSeq, UserId};
    use crate::events::{Bus, Received};
    use std::sync::Arc;

    const JOB: JobId = JobId([1; 16]);

    fn event(what: JobEvent) -> Event {
        Event { job: JOB, user: UserId(1), what }
    }

    fn next(subscriber: &crate::events::Subscriber) -> Arc<Envelope> {
        match subscriber.try_recv() {
            Some(Received::Event(envelope)) => envelope,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_end_is_past_once_told_and_the_next_end_of_the_same_job_is_news() {
        let bus = Bus::default();
        let mut subscriber = bus.subscriber();
        subscriber.watch_user(UserId(1));
        subscriber.watch_job(JOB, JobSeq(1), UserId(1));
        bus.publish(event(JobEvent::Delta { text: "before".to_owned() }));
        let mut ends = Ends::default();
        ends.note(JOB, Some(Timestamp(5)), bus.next_seq());
        bus.publish_end(event(JobEvent::Cancelled), Timestamp(5));
        bus.publish(event(JobEvent::Validating));
        bus.publish_end(event(JobEvent::Cancelled), Timestamp(6));
        assert!(ends.is_past(&next(&subscriber)), "a delta from before the end");
        assert!(ends.is_past(&next(&subscriber)), "the same end, late");
        assert!(!ends.is_past(&next(&subscriber)), "it runs again");
        assert!(!ends.is_past(&next(&subscriber)), "another end");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut ends = Ends::default();
        for number in 0..1000_u16 {
            let [high, low] = number.to_be_bytes();
            let mut id = [0; 16];
            (id[0], id[1]) = (high, low);
            ends.note(JobId(id), None, 1);
        }
        assert_eq!(ends.told.len(), TOLD_MAX);
    }
}
