//! Messages of alerts on their way to the operator: kept in the store until they are taken, tried
//! again with growing pauses for a day.

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

impl Outbox {
    /// Carries messages until `stop` fires; what is not taken by then is tried after the next start. No
    /// way waits for the other: a mail server that hangs must not hold up what a webhook takes.
    pub async fn carry_on(self, stop: CancellationToken) {
        let [webhook, email] = AlertChannel::ALL.map(|channel| self.carry_channel(channel, &stop));
        tokio::join!(webhook, email);
    }

    async fn carry_channel(&self, channel: AlertChannel, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.alerts.written(channel).notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return,
                done = self.carry_due(channel) => if let Err(reason) = done {
                    tracing::warn!(%reason, "messages of alerts could not be looked at; it is tried again");
                },
            }
        }
    }

    async fn carry_due(&self, channel: AlertChannel) -> Result<(), StoreError> {
        loop {
            let now = (self.clock)();
            let due = self.reader.read(move |reads| reads.alert_messages_due(channel, now, AT_ONCE)).await?;
            if due.is_empty() {
                return Ok(());
            }
            for message in due {
                self.carry(message).await?;
            }
        }
    }

    async fn carry(&self, message: AlertMessage) -> Result<(), StoreError> {
        let now = (self.clock)();
        let carriers = self.carriers.load_full();
        let Some(carrier) = carriers.iter().find(|carrier| carrier.channel() == message.channel) else {
            // The way is not configured any more.
            return self.end(message.id).await;
        };
        let tried = timeout(TRY_TIME_MAX, carrier.carry(&message, now)).await;
        let Err(not_taken) = tried.unwrap_or_else(|_| Err(too_slow())) else {
            return self.end(message.id).await;
        };
        let (channel, alert) = (message.channel.name(), message.alert.id);
        let NotTaken { why, is_final, retry_after } = not_taken;
        let pause = pause(message.tries).max(retry_after.unwrap_or_default());
        if is_final || now.since(message.made_at) + pause > AGE_MAX {
            tracing::error!(channel, %alert, why, "an alert could not be sent by {channel}, and is given up: {why}");
            return self.end(message.id).await;
        }
        tracing::warn!(
            channel,
            %alert,
            retry_seconds = pause.as_secs(),
            "an alert could not be sent by {channel}; it is tried again: {why}"
        );
        let (id, due_at) = (message.id, now.after(pause));
        self.writer
            .write(Priority::Control, 0, move |commands| commands.put_off_alert_message(id, due_at))
            .await
    }

    async fn end(&self, id: i64) -> Result<(), StoreError> {
        self.writer.write(Priority::Control, 0, move |commands| commands.end_alert_message(id)).await
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
