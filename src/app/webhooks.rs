//! What the webhooks' room needs of the others: how far messages reach, how they are written, and
//! who hears of those that are stored.

use std::sync::Arc;

use rand::Rng;

use crate::config::Config;
use crate::domain::job::JobRecord;
use crate::domain::webhook::{MessageKind, PendingDelivery, WriteMessage};
use crate::http::view::StatusView;
use crate::queue::{Outbox, Telling};
use crate::store::{Reader, Writer};
use crate::webhooks::{Deliverer, Reach, Sender, Target, Waiting, Webhooks, message};

use super::engine::now;

/// How far messages reach.
pub(super) fn reach(config: &Config) -> Reach {
    if config.webhooks.allow_private_addresses { Reach::Anywhere } else { Reach::Public }
}

/// Writes the message of an end: the status object as it is then.
pub(super) fn write_message(config: &Config) -> WriteMessage {
    let public_url = config.server.public_url.clone();
    Arc::new(move |job: &JobRecord| {
        // A job that is told of has ended, and an end has a time.
        let kind = MessageKind::of(job.state).unwrap_or(MessageKind::Test);
        let at = job.completed_at.unwrap_or(job.created_at);
        message::text(kind, at, &StatusView::of(job, None, &public_url))
    })
}

/// Addresses of requests, as the queue has them checked.
#[derive(Debug)]
pub(super) struct Addresses(pub(super) Reach);

impl Telling for Addresses {
    fn fault(&self, url: &str) -> Option<String> {
        Target::parse(url, self.0).err().map(|wrong| wrong.to_string())
    }
}

/// The messages that wait, as the queue tells of them.
struct Stored(Arc<Waiting>);

impl Outbox for Stored {
    fn stored(&self, message: &PendingDelivery) {
        self.0.add(message.clone());
    }
}

/// The part that delivers, and how the queue tells it of messages.
///
/// # Errors
/// When TLS cannot be set up.
pub(super) fn deliverer(
    config: &Config,
    writer: Writer,
    reader: Reader,
) -> anyhow::Result<(Deliverer, Arc<dyn Outbox>, Arc<Waiting>)> {
    let reach = reach(config);
    let sender = Sender::new(reach, config.webhooks.timeout, now)
        .map_err(|reason| anyhow::anyhow!("webhooks cannot be sent: {reason}"))?;
    let waiting = Arc::new(Waiting::new(reach));
    let outbox = Arc::new(Stored(Arc::clone(&waiting)));
    let pauses = config.webhooks.retries.clone();
    let shown = Arc::clone(&waiting);
    Ok((Deliverer { waiting, writer, reader, sender, pauses, clock: now, random }, outbox, shown))
}

/// What users do with their webhooks.
pub(super) fn own(config: &Config, writer: Writer, reader: Reader) -> Webhooks {
    Webhooks::new(writer, reader, reach(config), now, random)
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    rand::rng().fill_bytes(&mut bytes);
    bytes
}
