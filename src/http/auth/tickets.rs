//! WebSocket tickets: a browser cannot send a header with one. Single use, half a minute.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use rand::Rng;

use crate::accounts::Caller;
use crate::domain::Timestamp;

/// How long a ticket is good.
const LIFE: Duration = Duration::from_secs(30);
/// Tickets kept; when there are more, those that are over go first, then any.
const TICKETS_MAX: usize = 100_000;

#[derive(Default)]
pub(super) struct Tickets {
    open: Mutex<HashMap<String, (Caller, Timestamp)>>,
}

impl Tickets {
    pub(super) fn issue(&self, caller: &Caller, now: Timestamp) -> (String, Timestamp) {
        let mut random = [0; 24];
        rand::rng().fill_bytes(&mut random);
        let ticket = hex::encode(random);
        let end = now.after(LIFE);
        let mut open = self.open.lock();
        if open.len() >= TICKETS_MAX {
            open.retain(|_, (_, end)| *end > now);
        }
        if open.len() >= TICKETS_MAX
            && let Some(any) = open.keys().next().cloned()
        {
            open.remove(&any);
        }
        open.insert(ticket.clone(), (caller.clone(), end));
        (ticket, end)
    }

    pub(super) fn redeem(&self, ticket: &str, now: Timestamp) -> Option<Caller> {
        let (caller, end) = self.open.lock().remove(ticket)?;
        (end > now).then_some(caller)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_is_good_once_and_for_half_a_minute() {
        let tickets = Tickets::default();
        let caller = Caller {
            user: crate::domain::UserId(1),
            name: "ann".into(),
            tier: crate::domain::Tier::Free,
            role: crate::domain::user::Role::User,
            key: None,
            by_key: false,
            session: None,
            until: None,
        };
        let (ticket, _) = tickets.issue(&caller, Timestamp(0));
        assert_eq!(tickets.redeem(&ticket, Timestamp(29_999)).unwrap(), caller);
        assert!(tickets.redeem(&ticket, Timestamp(29_999)).is_none());
        let (ticket, end) = tickets.issue(&caller, Timestamp(0));
        assert!(tickets.redeem(&ticket, end).is_none());
    }
}
