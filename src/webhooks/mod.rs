//! Webhooks: what is told to a user's own application, signed as Standard Webhooks 1.0.0 asks
//! (<https://www.standardwebhooks.com>), and never sent to an address that is not the internet's.
//!
//! Called by app (which starts the delivery), by http (addresses, secrets, deliveries) and by
//! whoever else sends something signed to an address that somebody typed. It changes no job.

pub mod address;
mod deliver;
mod desk;
pub mod message;
mod observed;
mod own;
mod schedule;
pub mod send;
pub mod sign;
pub mod target;

pub use deliver::{Deliverer, Waiting};
pub use observed::{Attempt, AttemptListener, Backlog, Sent};
pub use own::{Changed, OVERLAP, Webhooks};
pub use send::{Answer, Lookup, SendError, Sender};
pub use sign::{BadSecret, Secret};
pub use target::{BadTarget, Reach, Target};
