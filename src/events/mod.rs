//! The bus: events of committed changes to whoever watches. Publishing never blocks.
//!
//! Called by the queue and the worker (publish), by websocket, SSE and watchers (subscribe).
//! A job's events carry a rising `seq`; what has passed before one subscribes is in the job's
//! row, and the text of a running answer is handed over at subscription.

mod bus;
mod envelope;
mod following;
mod mailbox;
mod subscriber;
mod topic;

pub use bus::{AlertNews, Bus, WatchedJob};
pub use envelope::Envelope;
pub use mailbox::Received;
pub use subscriber::{Snapshot, Subscriber};
