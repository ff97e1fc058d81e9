//! Messages of alerts on their way to the operator: kept in the store until they are taken, tried
//! again with growing pauses for a day.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::domain::Timestamp;
use crate::domain::alert::AlertChannel;
use crate::domain::time::Clock;
use crate::store::alerts::AlertMessage;
use crate::store::{Priority, Reader, StoreError, Writer};

use super::watcher::Alerts;

/// Looked at so often when nothing is told.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Messages of one look.
const AT_ONCE: u32 = 20;
/// One try.
const TRY_TIME_MAX: Duration = Duration::from_secs(20);
/// Outcomes that the store has not taken; with more nothing is sent.
const UNWRITTEN_MAX: usize = 1000;
/// The first pause between two tries; each is twice the one before.
const PAUSE_FIRST: Duration = Duration::from_secs(5);
const PAUSE_LAST: Duration = Duration::from_secs(3600);
/// A message that nobody took for so long is given up.
const AGE_MAX: Duration = Duration::from_secs(24 * 3600);

/// A message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// Half a sentence without the address, which may hold a secret.
    pub why: String,
    /// Whether another try is of no use.
    pub is_final: bool,
    /// What the receiver asks to wait.
    pub retry_after: Option<Duration>,
}

/// One try to hand a message over.
pub type Carrying<'a> = Pin<Box<dyn Future<Output = Result<(), NotTaken>> + Send + 'a>>;

/// A way to the operator.
pub trait Carry: Send + Sync {
    /// Which way it is.
    fn channel(&self) -> AlertChannel;
    /// Tries once. `now` is the time of this try.
    fn carry<'a>(&'a self, message: &'a AlertMessage, now: Timestamp) -> Carrying<'a>;
}

/// The ways that are configured; they may change while the server runs.
pub type Carriers = ArcSwap<Vec<Box<dyn Carry>>>;

/// Carries messages until `stop` fires.
pub struct Outbox {
    /// Tells when there is something new.
    pub alerts: Arc<Alerts>,
    /// The ways.
    pub carriers: Arc<Carriers>,
    /// Finds messages.
    pub reader: Reader,
    /// Ends them.
    pub writer: Writer,
    /// Now.
    pub clock: Clock,
}

/// What became of a message, as long as the store does not know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// It was taken, or is given up.
    Over,
    /// It waits until then, after so many tries in vain that the store does not know of.
    PutOff { due_at: Timestamp, tries: u32 },
}

/// Messages that were tried and whose outcome the store has not taken, by row: what was taken is not
/// sent again because of that.
type Unwritten = BTreeMap<i64, Outcome>;

impl Outbox {
    /// Carries messages by every channel until `stop` fires; what is not taken by then is tried after the
    /// next start. No channel waits for another.
    pub async fn carry_on(self, stop: CancellationToken) {
        let channels = AlertChannel::ALL.map(|channel| self.carry_by(channel, &stop));
        futures_util::future::join_all(channels).await;
    }

    async fn carry_by(&self, channel: AlertChannel, stop: &CancellationToken) {
        let mut unwritten = Unwritten::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.alerts.written(channel) => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                done = self.carry_due(channel, &mut unwritten) => if let Err(reason) = done {
                    tracing::warn!(%reason, "messages of alerts could not be looked at; it is tried again");
                },
            }
        }
    }

    async fn carry_due(&self, channel: AlertChannel, unwritten: &mut Unwritten) -> Result<(), StoreError> {
        loop {
            self.write_all(unwritten).await;
            // Whatever the store makes of it: what is new goes out, as long as all that did is remembered.
            let room = UNWRITTEN_MAX.saturating_sub(unwritten.len());
            let (now, limit) = ((self.clock)(), AT_ONCE + u32::try_from(unwritten.len()).unwrap_or(u32::MAX));
            let due = self.reader.read(move |reads| reads.alert_messages_due(channel, now, limit)).await?;
            let may_go = |message: &AlertMessage| match unwritten.get(&message.id) {
                None => true,
                Some(Outcome::Over) => false,
                Some(Outcome::PutOff { due_at, .. }) => *due_at <= now,
            };
            let due: Vec<_> = due.into_iter().filter(may_go).take(room).collect();
            if due.is_empty() {
                return Ok(());
            }
            for message in due {
                let tries = match unwritten.get(&message.id) {
                    Some(Outcome::PutOff { tries, .. }) => *tries,
                    Some(Outcome::Over) | None => 0,
                };
                let outcome = self.carry(&message, tries).await;
                unwritten.insert(message.id, outcome);
                self.write_all(unwritten).await;
            }
        }
    }

    /// Tries once, after `tries` that the store does not know of.
    async fn carry(&self, message: &AlertMessage, tries: u32) -> Outcome {
        let now = (self.clock)();
        let carriers = self.carriers.load_full();
        let Some(carrier) = carriers.iter().find(|carrier| carrier.channel() == message.channel) else {
            // The way is not configured any more.
            return Outcome::Over;
        };
        let tried = timeout(TRY_TIME_MAX, carrier.carry(message, now)).await;
        let Err(not_taken) = tried.unwrap_or_else(|_| Err(too_slow())) else { return Outcome::Over };
        let (channel, alert) = (message.channel.name(), message.alert.id);
        let NotTaken { why, is_final, retry_after } = not_taken;
        let pause = pause(message.tries + tries).max(retry_after.unwrap_or_default().min(PAUSE_LAST));
        if is_final || now.since(message.made_at) + pause > AGE_MAX {
            tracing::error!(channel, %alert, why, "an alert could not be sent by {channel}, and is given up: {why}");
            return Outcome::Over;
        }
        tracing::warn!(
            channel,
            %alert,
            retry_seconds = pause.as_secs(),
            "an alert could not be sent by {channel}; it is tried again: {why}"
        );
        Outcome::PutOff { due_at: now.after(pause), tries: tries + 1 }
    }

    /// Writes down what became of messages, as far as the store takes it.
    async fn write_all(&self, unwritten: &mut Unwritten) {
        while let Some((&id, &outcome)) = unwritten.first_key_value() {
            let written = self.writer.write(Priority::Control, 0, move |commands| match outcome {
                Outcome::Over => commands.end_alert_message(id),
                Outcome::PutOff { due_at, .. } => commands.put_off_alert_message(id, due_at),
            });
            if let Err(reason) = written.await {
                tracing::warn!(%reason, "what became of an alert's message could not be stored; it is tried again");
                return;
            }
            unwritten.remove(&id);
        }
    }
}

fn too_slow() -> NotTaken {
    NotTaken {
        why: format!("it took longer than {} s", TRY_TIME_MAX.as_secs()),
        is_final: false,
        retry_after: None,
    }
}

/// The pause after so many tries in vain before this one.
fn pause(tries: u32) -> Duration {
    PAUSE_FIRST.saturating_mul(2_u32.saturating_pow(tries)).min(PAUSE_LAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour() {
        let seconds: Vec<u64> = [0, 1, 2, 9, 10, 40].map(|tries| pause(tries).as_secs()).to_vec();
        assert_eq!(seconds, [5, 10, 20, 2560, 3600, 3600]);
    }
}
