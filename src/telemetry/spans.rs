//! Spans on their way to a collector of traces: a queue that is never waited for, batches, and a
//! collector that may be slow, refuse or be gone. What does not get there is counted and dropped.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Spans that wait; further ones are dropped.
const WAITING_MAX: usize = 2048;
/// Spans of one batch, and how long it is gathered.
const BATCH_MAX: usize = 512;
const BATCH_TIME: Duration = Duration::from_secs(1);
/// Waits before a batch is tried again, when the collector says that it may be.
const PAUSES: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// The longest wait that a collector can ask for.
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// Between two lines in the log about a collector that takes nothing.
const WARNING_EVERY: Duration = Duration::from_secs(60);

/// Which side of a call a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// No call.
    Internal,
    /// Somebody calls us.
    Server,
    /// We call somebody.
    Client,
}

/// The value of an attribute. Never a prompt, a source or a secret.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(Cow<'static, str>),
    /// A whole number.
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

/// Something that took time. Times are milliseconds since 1970.
#[derive(Clone, Debug)]
pub struct Span {
    /// Which trace.
    pub trace: [u8; 16],
    /// Which span of it.
    pub span: [u8; 8],
    /// The span that it is part of.
    pub parent: Option<[u8; 8]>,
    /// Whether that one is somebody else's.
    pub parent_is_remote: bool,
    /// The caller's `tracestate`.
    pub state: Option<Arc<str>>,
    /// What it is.
    pub name: Cow<'static, str>,
    /// Which side of a call.
    pub kind: Kind,
    /// Its begin.
    pub begun_ms: i64,
    /// Its end.
    pub ended_ms: i64,
    /// What is known of it, by the names of OpenTelemetry's conventions.
    pub attributes: Vec<(&'static str, Value)>,
    /// A span of another trace that it has to do with.
    pub link: Option<([u8; 16], [u8; 8])>,
    /// Whether it failed.
    pub is_error: bool,
}

/// Who tells of spans.
#[derive(Clone, Debug)]
pub struct Service {
    /// `service.name`.
    pub name: String,
    /// `service.instance.id`: another one for each start.
    pub instance: String,
}

/// Why a collector did not take a batch.
#[derive(Clone, Debug)]
pub struct Refused {
    /// Half a sentence, without the address.
    pub reason: String,
    /// Whether it may take it later, and what it asks for; `None`: it never will.
    pub again: Option<Duration>,
}

/// A batch on its way.
pub type Delivering = Pin<Box<dyn Future<Output = Result<(), Refused>> + Send>>;
/// Posts a batch.
pub type Deliver = Box<dyn Fn(Vec<u8>) -> Delivering + Send + Sync>;
/// Writes a batch.
pub type Encode = fn(&Service, &[Span]) -> Vec<u8>;

/// What became of spans so far.
#[derive(Debug, Default)]
pub struct Counts {
    sent: AtomicU64,
    dropped: AtomicU64,
    refused: AtomicU64,
}

impl Counts {
    /// `sent`; `dropped`, because as many waited as may; `refused` by the collector, or it was not
    /// there.
    pub fn now(&self) -> [(&'static str, u64); 3] {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        [("sent", count(&self.sent)), ("dropped", count(&self.dropped)), ("refused", count(&self.refused))]
    }
}

/// Takes spans; cheap to clone, never blocks.
#[derive(Clone, Debug)]
pub struct Spans {
    queue: mpsc::Sender<Span>,
    counts: Arc<Counts>,
}

impl Spans {
    /// A queue and who empties it.
    pub fn new(service: Service, encode: Encode, deliver: Deliver) -> (Self, Exporter) {
        let (queue, waiting) = mpsc::channel(WAITING_MAX);
        let counts = Arc::<Counts>::default();
        let exporter =
            Exporter { waiting, counts: Arc::clone(&counts), service, encode, deliver, warned_at: None };
        (Self { queue, counts }, exporter)
    }

    /// Takes a span; drops it when as many wait as may.
    pub fn tell(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of spans so far.
    pub fn counts(&self) -> &Arc<Counts> {
        &self.counts
    }
}

/// Sends what [`Spans`] took.
pub struct Exporter {
    waiting: mpsc::Receiver<Span>,
    counts: Arc<Counts>,
    service: Service,
    encode: Encode,
    deliver: Deliver,
    warned_at: Option<Instant>,
}

impl Exporter {
    /// Sends until `stop` fires, and then what waits by then, each batch once. Whoever calls bounds
    /// the time of that.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                got = self.waiting.recv_many(&mut batch, BATCH_MAX) => if got == 0 { return },
            }
            let gathering = Instant::now() + BATCH_TIME;
            while batch.len() < BATCH_MAX {
                let room = BATCH_MAX - batch.len();
                tokio::select! {
                    biased;
                    () = stop.cancelled() => break,
                    () = tokio::time::sleep_until(gathering) => break,
                    got = self.waiting.recv_many(&mut batch, room) => if got == 0 { break },
                }
            }
            self.send(&mut batch, &stop).await;
        }
        self.waiting.close();
        while self.waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
            self.send(&mut batch, &stop).await;
        }
    }

    /// Sends a batch, again while that may help and the server does not stop.
    async fn send(&mut self, batch: &mut Vec<Span>, stop: &CancellationToken) {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let body = (self.encode)(&self.service, batch);
        batch.clear();
        let mut pauses = PAUSES.into_iter();
        loop {
            let Err(refused) = (self.deliver)(body.clone()).await else {
                self.counts.sent.fetch_add(count, Ordering::Relaxed);
                return;
            };
            let pause = refused.again.and_then(|asked| Some(pauses.next()?.max(asked.min(PAUSE_MAX))));
            let waited = match pause {
                Some(pause) => tokio::time::timeout(pause, stop.cancelled()).await.is_err(),
                None => false,
            };
            if !waited {
                self.counts.refused.fetch_add(count, Ordering::Relaxed);
                self.warn(&refused);
                return;
            }
        }
    }

    fn warn(&mut self, refused: &Refused) {
        let now = Instant::now();
        if self.warned_at.is_some_and(|at| now.duration_since(at) < WARNING_EVERY) {
            return;
        }
        self.warned_at = Some(now);
        let [_, (_, dropped), (_, lost)] = self.counts.now();
        tracing::warn!(
            reason = refused.reason,
            refused = lost,
            dropped,
            "the collector of traces takes nothing; spans are dropped, and requests go on"
        );
    }
}

#[cfg(test)]
mod tests {
    use parking_lot::Mutex;

    use super::*;

    fn span(number: u8) -> Span {
        Span {
            trace: [number; 16],
            span: [1; 8],
            parent: None,
            parent_is_remote: false,
            state: None,
            name: "wait".into(),
            kind: Kind::Internal,
            begun_ms: 0,
            ended_ms: 0,
            attributes: Vec::new(),
            link: None,
            is_error: false,
        }
    }

    /// One byte a span.
    fn plain(_: &Service, spans: &[Span]) -> Vec<u8> {
        spans.iter().map(|span| span.trace[0]).collect()
    }

    type Got = Arc<Mutex<Vec<Vec<u8>>>>;

    fn queue(answer: fn(usize) -> Result<(), Refused>) -> (Spans, Exporter, Got) {
        let got = Got::default();
        let kept = Arc::clone(&got);
        let deliver: Deliver = Box::new(move |body| {
            let mut got = kept.lock();
            got.push(body);
            let answer = answer(got.len());
            Box::pin(std::future::ready(answer))
        });
        let service = Service { name: "diagramd".to_owned(), instance: "1".to_owned() };
        let (spans, exporter) = Spans::new(service, plain, deliver);
        (spans, exporter, got)
    }

    fn refused(again: Option<Duration>) -> Result<(), Refused> {
        Err(Refused { reason: "503".to_owned(), again })
    }

    fn counted(spans: &Spans) -> [u64; 3] {
        spans.counts().now().map(|(_, count)| count)
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_told_in_a_second_goes_together_and_what_waits_at_the_stop_goes_too() {
        let (spans, exporter, got) = queue(|_| Ok(()));
        let stop = CancellationToken::new();
        let running = tokio::spawn(exporter.run(stop.clone()));
        (1..=3).for_each(|number| spans.tell(span(number)));
        tokio::time::sleep(BATCH_TIME * 2).await;
        assert_eq!(*got.lock(), [vec![1, 2, 3]]);
        spans.tell(span(4));
        stop.cancel();
        running.await.unwrap();
        assert_eq!(got.lock().concat(), [1, 2, 3, 4]);
        assert_eq!(counted(&spans), [4, 0, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_collector_that_is_busy_is_asked_again_and_not_for_ever() {
        let (spans, exporter, got) =
            queue(|tries| if tries == 3 { Ok(()) } else { refused(Some(Duration::ZERO)) });
        let stop = CancellationToken::new();
        tokio::spawn(exporter.run(stop.clone()));
        spans.tell(span(1));
        tokio::time::sleep(Duration::from_secs(20)).await;
        assert_eq!((got.lock().len(), counted(&spans)), (3, [1, 0, 0]));
        spans.tell(span(2));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((got.lock().len(), counted(&spans)), (7, [1, 0, 1]), "three further tries, and no more");
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_refused_for_good_is_not_sent_again() {
        let (spans, exporter, got) = queue(|_| refused(None));
        tokio::spawn(exporter.run(CancellationToken::new()));
        spans.tell(span(1));
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((got.lock().len(), counted(&spans)), (1, [0, 0, 1]));
    }

    #[tokio::test]
    async fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let (spans, _exporter, _) = queue(|_| Ok(()));
        (0..WAITING_MAX + 10).for_each(|_| spans.tell(span(1)));
        assert_eq!(counted(&spans), [0, 10, 0]);
    }
}
