//! What is asked of the store about webhooks, and what it answers.

use crate::domain::webhook::{DeliveryRecord, DeliverySeq, DeliveryState, MessageKind, Webhook};
use crate::domain::{Origin, Timestamp, UserId};

/// A secret to sign with from now on.
#[derive(Clone, Debug)]
pub struct NewSecret {
    /// Its bytes, 24 to 64.
    pub bytes: Vec<u8>,
    /// Now.
    pub at: Timestamp,
}

/// A change of a user's webhook, done.
#[derive(Clone, Debug)]
pub struct WebhookChanged {
    /// As it is now.
    pub webhook: Webhook,
    /// The secret, when its owner has not seen it before.
    pub secret: Option<Vec<u8>>,
}

/// A message that no job's end is told by.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Whose, to the user's own address.
    pub user: UserId,
    /// What it tells.
    pub kind: MessageKind,
    /// What is sent.
    pub body: String,
    /// Now.
    pub at: Timestamp,
    /// The call of a client's that asked for it.
    pub origin: Origin,
}

/// What became of a wish to have a message sent.
#[derive(Clone, Debug)]
pub enum Enqueued {
    /// It waits.
    Waiting(Box<DeliveryRecord>),
    /// As many wait as may.
    Full,
    /// There is no such delivery of this user, or the user has no address of its own.
    Missing,
}

/// A list of deliveries to read, newest first.
#[derive(Clone, Debug)]
pub struct DeliveryQuery {
    /// Only this user's; `None`: everybody's.
    pub user: Option<UserId>,
    /// Only in this state.
    pub state: Option<DeliveryState>,
    /// Only before this one (the cursor).
    pub before: Option<DeliverySeq>,
    /// At most so many.
    pub limit: u32,
}
