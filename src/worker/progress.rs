//! What a call tells as it goes: to the scheduler, to watchers, and to the bill.

use crate::diagram::stream::SourceStream;
use crate::domain::lane::LimitsSeen;
use crate::domain::time::Clock;
use crate::domain::{Claimed, Event, JobEvent, Timestamp, TokenUsage};
use crate::events::Bus;
use crate::provider::Listener;
use crate::queue::Queue;

/// Bytes of text that make a token, for output that the upstream has not counted yet.
const BYTES_PER_TOKEN: u64 = 4;

/// Hears of one call.
pub(super) struct Progress<'a> {
    queue: &'a Queue,
    bus: &'a Bus,
    clock: Clock,
    job: &'a Claimed,
    source: SourceStream,
    text_bytes: u64,
    usage: TokenUsage,
    sent_at: Option<Timestamp>,
}

impl<'a> Progress<'a> {
    pub(super) fn new(queue: &'a Queue, bus: &'a Bus, clock: Clock, job: &'a Claimed) -> Self {
        Self {
            queue,
            bus,
            clock,
            job,
            source: SourceStream::new(job.diagram_type),
            text_bytes: 0,
            usage: TokenUsage::default(),
            sent_at: None,
        }
    }

    /// When the first byte left.
    pub(super) fn sent_at(&self) -> Option<Timestamp> {
        self.sent_at
    }

    /// What a call that was given up is known to have used: what the upstream told, and at
    /// least the text that arrived.
    pub(super) fn known_usage(&self) -> TokenUsage {
        TokenUsage { output: self.usage.output.max(self.text_bytes / BYTES_PER_TOKEN), ..self.usage }
    }
}

impl Listener for Progress<'_> {
    fn sent(&mut self) {
        self.sent_at = Some((self.clock)());
        self.queue.call_sent(self.job.seq, self.job.run);
    }

    fn limits(&mut self, seen: LimitsSeen) {
        self.queue.limits_seen(&self.job.lane, &seen);
    }

    fn text(&mut self, piece: &str) {
        self.text_bytes += u64::try_from(piece.len()).unwrap_or(0);
        let text = self.source.push(piece);
        if !text.is_empty() {
            self.bus.publish(Event { job: self.job.id, user: self.job.user, what: JobEvent::Delta { text } });
        }
    }

    fn usage(&mut self, usage: TokenUsage) {
        self.usage = usage;
    }
}
