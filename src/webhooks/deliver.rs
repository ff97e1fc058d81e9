//! Delivery: takes what the desk hands out, signs and sends it, and writes down what came of it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::domain::trace::Purpose;
use crate::domain::webhook::{DeliverySeq, Outgoing, PendingDelivery, Then, Tried};
use crate::domain::{Timestamp, time::Clock};
use crate::store::webhooks::NewSecret;
use crate::store::{Priority, Reader, StoreError, Writer};

use super::desk::{Desk, Health, Taken};
use super::observed::{Attempt, AttemptListener, Backlog, Sent};
use super::schedule::{self, Outcome};
use super::send::Sender;
use super::sign::{self, SECRET_BYTES, Secret};
use super::target::{Reach, Target};

/// What messages on their way may take at a stop; those that take longer are sent again after the
/// next start, with the same id.
const LAST_FLIGHTS: Duration = Duration::from_secs(3);
/// Between two looks at a store that does not work.
const STORE_PAUSE: Duration = Duration::from_secs(2);
/// A message whose try came to nothing through a fault of ours waits so long.
const FAULT_PAUSE: Duration = Duration::from_secs(60);
/// Messages that are sent or given up at once; the desk has a smaller bound for those that are sent.
const AT_ONCE_MAX: usize = 64;
/// The longest sleep, so that a clock that was set is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(60);

/// The messages that wait, as whoever stores them and whoever sends them see them.
pub struct Waiting {
    desk: Mutex<Desk>,
    changed: Notify,
    reach: Reach,
    listener: OnceLock<AttemptListener>,
}

impl Waiting {
    /// Nothing waits yet.
    pub fn new(reach: Reach) -> Self {
        Self { desk: Mutex::default(), changed: Notify::new(), reach, listener: OnceLock::new() }
    }

    /// What waits and what is on its way.
    pub fn backlog(&self) -> Backlog {
        self.desk.lock().backlog()
    }

    /// Sets who hears of tries; once.
    pub fn listen(&self, listener: AttemptListener) {
        if self.listener.set(listener).is_err() {
            tracing::error!("a second listener to webhooks was refused");
        }
    }

    fn tell(&self, attempt: &Attempt) {
        if let Some(listener) = self.listener.get() {
            listener(attempt);
        }
    }

    /// A message waits on disk. Does not block.
    pub fn add(&self, message: PendingDelivery) {
        let origin = self.origin(&message);
        self.desk.lock().add(message, origin);
        self.changed.notify_one();
    }

    /// As [`Waiting::add`], of one that was read: what was told of it meanwhile is newer.
    fn add_read(&self, message: PendingDelivery) {
        let origin = self.origin(&message);
        let mut desk = self.desk.lock();
        if !desk.knows(message.seq) {
            desk.add(message, origin);
            self.changed.notify_one();
        }
    }

    fn origin(&self, message: &PendingDelivery) -> Option<String> {
        // What was allowed when it was stored and is not any more goes nowhere: any lane will do.
        let target = message.url.as_deref().map(|url| Target::parse(url, self.reach));
        target.map(|target| target.map_or_else(|_| String::new(), |target| target.origin()))
    }
}

/// Delivers; one a process.
pub struct Deliverer {
    /// What waits.
    pub waiting: Arc<Waiting>,
    /// Where tries are written down.
    pub writer: Writer,
    /// Where messages are read.
    pub reader: Reader,
    /// Sends.
    pub sender: Sender,
    /// The waits after the first failure, the second and so on; after the last it is given up.
    pub pauses: Vec<Duration>,
    /// Now.
    pub clock: Clock,
    /// Random bytes for secrets, and for chance.
    pub random: fn() -> [u8; SECRET_BYTES],
}

impl Deliverer {
    /// Delivers what waits on disk and what comes, until `stop`; what is on its way then may arrive for
    /// a moment, unless `hurry` fires.
    pub async fn run(self, stop: CancellationToken, hurry: CancellationToken) {
        let this = Arc::new(self);
        if !this.load(&stop).await {
            return;
        }
        let mut flights = JoinSet::new();
        loop {
            this.take_off(&mut flights, &stop);
            let next = this.waiting.desk.lock().next_at();
            let sleep = next.map_or(SLEEP_MAX, |at| at.since((this.clock)()).min(SLEEP_MAX));
            tokio::select! {
                () = stop.cancelled() => break,
                Some(_) = flights.join_next() => {}
                () = this.waiting.changed.notified() => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
        let landing = async { while flights.join_next().await.is_some() {} };
        tokio::select! {
            () = landing => {}
            () = hurry.cancelled() => {}
            () = tokio::time::sleep(LAST_FLIGHTS) => {}
        }
    }

    /// Starts everything that may go now.
    fn take_off(self: &Arc<Self>, flights: &mut JoinSet<()>, stop: &CancellationToken) {
        // What is given up needs no place to go to, but the writer.
        while flights.len() < AT_ONCE_MAX {
            let taken = self.waiting.desk.lock().take((self.clock)());
            match taken {
                Some(Taken::Flight(seq)) => {
                    let (this, stop) = (Arc::clone(self), stop.clone());
                    flights.spawn(async move { this.fly(seq, &stop).await });
                }
                Some(Taken::TooOld { seq, since }) => {
                    let (this, stop) = (Arc::clone(self), stop.clone());
                    flights.spawn(async move {
                        this.write(seq, given_up(TOO_OLD, since, (this.clock)()), None, &stop).await
                    });
                }
                None => return,
            }
        }
    }

    /// Reads what waited at the last stop; `false` when it is time to stop.
    async fn load(&self, stop: &CancellationToken) -> bool {
        loop {
            let read = self.reader.read(|reads| {
                let mut found = Vec::new();
                reads.each_pending_delivery(&mut |message| found.push(message))?;
                Ok(found)
            });
            match read.await {
                Ok(found) => {
                    if !found.is_empty() {
                        tracing::info!(messages = found.len(), "webhook messages wait to be delivered");
                    }
                    found.into_iter().for_each(|message| self.waiting.add_read(message));
                    return true;
                }
                Err(reason) => {
                    tracing::error!(%reason, "the webhook messages that wait could not be read; it is tried again");
                }
            }
            if tokio::time::timeout(STORE_PAUSE, stop.cancelled()).await.is_ok() {
                return false;
            }
        }
    }

    /// One try, from the disk to the disk.
    async fn fly(&self, seq: DeliverySeq, stop: &CancellationToken) {
        let mut landing = Landing { waiting: &self.waiting, seq, clock: self.clock, as_planned: None };
        let (tried, health, sent) = match self.attempt(seq).await {
            Ok(Some(done)) => done,
            // It was taken, given up or deleted meanwhile.
            Ok(None) => {
                landing.as_planned = Some((Health::Well, None));
                return;
            }
            Err(reason) => {
                tracing::warn!(%reason, "a webhook message could not be read; it is sent later");
                return;
            }
        };
        let next_at = match tried.then {
            Then::Again(at) => Some(at),
            Then::Done | Then::GivenUp | Then::Gone => None,
        };
        self.write(seq, tried, sent, stop).await;
        landing.as_planned = Some((health, next_at));
    }

    async fn attempt(&self, seq: DeliverySeq) -> Result<Option<(Tried, Health, Option<Sent>)>, StoreError> {
        let now = (self.clock)();
        let Some(message) = self.reader.read(move |reads| reads.outgoing(seq, now)).await? else {
            return Ok(None);
        };
        if !message.user_stands {
            return Ok(Some((given_up("the user is disabled", message.since, now), Health::Well, None)));
        }
        let Some(url) = &message.url else {
            return Ok(Some((
                given_up("the address was removed, or had said that it is gone", message.since, now),
                Health::Well,
                None,
            )));
        };
        let target = match Target::parse(url, self.sender.reach()) {
            Ok(target) => target,
            Err(_) => {
                return Ok(Some((
                    given_up("the address may not be sent to any more", message.since, now),
                    Health::Well,
                    None,
                )));
            }
        };
        let secrets = self.secrets(&message).await?;
        let secrets: Vec<&Secret> = secrets.iter().collect();
        let id = message.id.to_string();
        let signed = sign::headers(&secrets, &id, (self.clock)(), message.body.as_bytes());
        let purpose = Purpose::Delivery(seq.0, message.since.0, message.tries);
        let trace = message.origin.headers(purpose);
        let headers: Vec<_> =
            signed.into_iter().chain(trace.iter().map(|(name, value)| (name, value.to_owned()))).collect();
        let begun_at = (self.clock)();
        let answer = self.sender.post(&target, &headers, Bytes::from(message.body)).await;
        let at = (self.clock)();
        let Outcome { then, health, status, error } =
            schedule::judge(&answer, message.tries, &self.pauses, at, self.chance());
        // One line a try, with whatever is known of it; what is given up is the operator's to see.
        macro_rules! line {
            ($level:ident, $what:literal) => {
                tracing::$level!(
                    delivery = id,
                    to = target.origin(),
                    job = message.job.map(|job| job.to_string()),
                    status,
                    error,
                    trace_id = %message.origin.trace(),
                    request_id = %message.origin.request_id(),
                    $what
                )
            };
        }
        match then {
            Then::Done => line!(debug, "a webhook message was taken"),
            Then::Again(_) => line!(info, "a webhook message was not taken; it is sent again"),
            Then::GivenUp | Then::Gone => line!(warn, "a webhook message is given up"),
        }
        let to = message.url.clone();
        let sent = Sent {
            begun_at,
            ended_at: at,
            status,
            origin: target.origin(),
            job: message.job,
            parent: message.origin.context,
            state: message.origin.state.clone(),
            span: message.origin.context.child(purpose),
            tries: message.tries,
        };
        Ok(Some((Tried { since: message.since, to, at, status, error, then }, health, Some(sent))))
    }

    /// The secrets in force; a user who has none yet gets one, to be seen with the next rotation or
    /// address.
    async fn secrets(&self, message: &Outgoing) -> Result<Vec<Secret>, StoreError> {
        let mut bytes = message.secrets.clone();
        if bytes.is_empty() {
            let (user, new) =
                (message.user, NewSecret { bytes: (self.random)().to_vec(), at: (self.clock)() });
            let made = self
                .writer
                .write(Priority::Control, 0, move |commands| commands.ensure_webhook_secret(user, &new));
            bytes.push(made.await?);
        }
        Ok(bytes.into_iter().filter_map(|bytes| Secret::from_bytes(bytes).ok()).collect())
    }

    /// Writes a try down; a store that does not take it is tried again until it does or it is time
    /// to stop. What is not written is sent again, with the same id.
    async fn write(&self, seq: DeliverySeq, tried: Tried, sent: Option<Sent>, stop: &CancellationToken) {
        let attempt = Attempt { then: tried.then, sent };
        loop {
            let tried = tried.clone();
            let written = self
                .writer
                .write(Priority::Control, 0, move |commands| commands.delivery_tried(seq, &tried))
                .await;
            match written {
                Ok(()) => return self.waiting.tell(&attempt),
                Err(StoreError::Closed) => return,
                Err(reason) => {
                    tracing::error!(%reason, "what became of a webhook message could not be written; it is tried again");
                }
            }
            if tokio::time::timeout(STORE_PAUSE, stop.cancelled()).await.is_ok() {
                return;
            }
        }
    }

    /// In 0..1.
    fn chance(&self) -> f64 {
        let [first, second, ..] = (self.random)();
        f64::from(u16::from_be_bytes([first, second])) / 65_536.0
    }
}

/// What is said of a message that waited too long.
const TOO_OLD: &str = "it could not be delivered for three days";

fn given_up(why: &str, since: Timestamp, at: Timestamp) -> Tried {
    Tried { since, to: None, at, status: None, error: Some(why.to_owned()), then: Then::GivenUp }
}

/// Ends a flight on the desk whatever happens: as planned, or, when nothing was, after a while.
struct Landing<'a> {
    waiting: &'a Waiting,
    seq: DeliverySeq,
    clock: Clock,
    as_planned: Option<(Health, Option<Timestamp>)>,
}

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        let now = (self.clock)();
        let (health, next_at) = self.as_planned.unwrap_or((Health::Well, Some(now.after(FAULT_PAUSE))));
        self.waiting.desk.lock().landed(self.seq, health, next_at, now);
        self.waiting.changed.notify_one();
    }
}
