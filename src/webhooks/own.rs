//! What users do with their webhooks: set the address, see and change secrets, look at deliveries
//! and ask for them again.

use std::time::Duration;

use crate::domain::time::Clock;
use crate::domain::webhook::{DeliveryId, DeliveryRecord, MessageKind, Webhook};
use crate::domain::{Origin, UserId};
use crate::store::webhooks::{DeliveryQuery, Enqueued, NewMessage, NewSecret, WebhookChanged};
use crate::store::{Commands, Priority, Reader, StoreError, Writer};

use super::message;
use super::sign::{SECRET_BYTES, Secret};
use super::target::{BadTarget, Reach, Target};

/// How long the secret before the present one signs too.
pub const OVERLAP: Duration = Duration::from_secs(24 * 3600);

/// A webhook after a change.
#[derive(Clone, Debug)]
pub struct Changed {
    /// As it is now.
    pub webhook: Webhook,
    /// The secret, the one time that its owner sees it.
    pub secret: Option<Secret>,
}

/// Users' webhooks; cheap to clone.
#[derive(Clone)]
pub struct Webhooks {
    writer: Writer,
    reader: Reader,
    reach: Reach,
    clock: Clock,
    random: fn() -> [u8; SECRET_BYTES],
}

impl Webhooks {
    /// Webhooks over a store, whose messages reach so far.
    pub fn new(
        writer: Writer,
        reader: Reader,
        reach: Reach,
        clock: Clock,
        random: fn() -> [u8; SECRET_BYTES],
    ) -> Self {
        Self { writer, reader, reach, clock, random }
    }

    /// Whether an address may be sent to, as far as that is known without looking its name up.
    ///
    /// # Errors
    /// [`BadTarget`], a sentence for whoever typed it.
    pub fn check(&self, url: &str) -> Result<(), BadTarget> {
        Target::parse(url, self.reach).map(drop)
    }

    /// A user's webhook.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn show(&self, user: UserId) -> Result<Webhook, StoreError> {
        let now = (self.clock)();
        self.reader.read(move |reads| reads.webhook(user, now)).await
    }

    /// Sets the user's own address, which [`Webhooks::check`] let pass, or with `None` unsets it.
    ///
    /// # Errors
    /// What the store reports; then nothing changed.
    pub async fn set(&self, user: UserId, url: Option<String>) -> Result<Changed, StoreError> {
        let secret = self.new_secret();
        let changed = self.write(move |commands| commands.set_webhook(user, url.as_deref(), &secret));
        Ok(changed.await?.into())
    }

    /// Makes another secret. The one so far signs too for [`OVERLAP`].
    ///
    /// # Errors
    /// What the store reports; then nothing changed.
    pub async fn rotate(&self, user: UserId) -> Result<Changed, StoreError> {
        let secret = self.new_secret();
        let until = secret.at.after(OVERLAP);
        Ok(self.write(move |commands| commands.rotate_webhook_secret(user, &secret, until)).await?.into())
    }

    /// Sends a message that tells nothing to the user's own address, as the call of that origin asks.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn test(&self, user: UserId, origin: Origin) -> Result<Enqueued, StoreError> {
        let at = (self.clock)();
        let new = NewMessage { user, kind: MessageKind::Test, body: message::test(at), at, origin };
        self.write(move |commands| commands.enqueue_message(&new)).await
    }

    /// Sends one of the user's messages again, with the same id; one that waits goes now.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn redeliver(&self, user: UserId, id: DeliveryId) -> Result<Enqueued, StoreError> {
        let at = (self.clock)();
        self.write(move |commands| commands.redeliver(user, id, at)).await
    }

    /// A page of deliveries, newest first.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn deliveries(&self, query: DeliveryQuery) -> Result<Vec<DeliveryRecord>, StoreError> {
        self.reader.read(move |reads| reads.deliveries(&query)).await
    }

    /// One delivery; `None` for an unknown one and for another user's.
    ///
    /// # Errors
    /// What the store reports.
    pub async fn delivery(&self, user: UserId, id: DeliveryId) -> Result<Option<DeliveryRecord>, StoreError> {
        self.reader.read(move |reads| reads.delivery(user, id)).await
    }

    fn new_secret(&self) -> NewSecret {
        NewSecret { bytes: (self.random)().to_vec(), at: (self.clock)() }
    }

    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut dyn Commands) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.write(Priority::Control, 0, work).await
    }
}

impl From<WebhookChanged> for Changed {
    fn from(changed: WebhookChanged) -> Self {
        let secret = changed.secret.and_then(|bytes| Secret::from_bytes(bytes).ok());
        Self { webhook: changed.webhook, secret }
    }
}
