//! Alerts and their messages on a real database.

use super::*;
use crate::domain::KeyId;
use crate::domain::alert::{Alert, AlertChannel, AlertId, AlertKind, AlertLevel, AlertTurn};
use crate::domain::user::Role;
use crate::store::alerts::AlertSaved;
use crate::store::people::NewKey;

fn alert(id: u8, key: &str, raised_at: Timestamp) -> Alert {
    Alert {
        id: AlertId([id; 16]),
        key: key.to_owned(),
        kind: AlertKind::UpstreamLimit,
        level: AlertLevel::Warning,
        subject: "main".to_owned(),
        message: "A limit is nearly used.".to_owned(),
        value: Some(0.8),
        threshold: Some(0.8),
        raised_at,
        resolved_at: None,
    }
}

impl Store {
    fn save(&self, alert: Alert, tell: Option<AlertTurn>, at: Timestamp) {
        let channels = vec![AlertChannel::Webhook, AlertChannel::Email];
        let saved = vec![AlertSaved { alert, tell, channels }];
        self.run(move |commands| commands.save_alerts(&saved, at));
    }

    /// Names and turns of what is due, by channel.
    fn due(&self, now: Timestamp) -> Vec<(i64, AlertChannel, AlertTurn, u32)> {
        let reads = self.reader.blocking();
        let of = |channel| reads.alert_messages_due(channel, now, 100).unwrap();
        let mut due: Vec<_> = AlertChannel::ALL.into_iter().flat_map(of).collect();
        due.sort_by_key(|message| message.id);
        due.into_iter().map(|message| (message.id, message.channel, message.turn, message.tries)).collect()
    }
}

#[test]
fn messages_wait_until_they_are_taken_and_alerts_stand_once() {
    let store = Store::new();
    store.save(alert(1, "a", NOW), Some(AlertTurn::Raised), NOW);
    let due = store.due(NOW);
    let raised = AlertTurn::Raised;
    assert_eq!(due, [(1, AlertChannel::Webhook, raised, 0), (2, AlertChannel::Email, raised, 0)]);
    let later = NOW.moved(5000);
    store.run(move |commands| commands.put_off_alert_message(1, later));
    store.run(|commands| commands.end_alert_message(2));
    assert_eq!(store.due(NOW), []);
    assert_eq!(store.due(later), [(1, AlertChannel::Webhook, raised, 1)]);

    // What was told within the window stands again without a message.
    let over = Alert { resolved_at: Some(later), ..alert(1, "a", NOW) };
    store.save(over, Some(AlertTurn::Resolved), later);
    store.save(alert(1, "a", NOW), None, later);
    assert_eq!(store.due(later).len(), 3);
    // One that nobody remembered makes room for another of its key.
    store.save(alert(2, "a", later), Some(AlertTurn::Raised), later);
    let all = store.reader.blocking().alerts(10).unwrap();
    let ends: Vec<_> = all.iter().map(|alert| (alert.id.0[0], alert.resolved_at)).collect();
    assert_eq!(ends, [(2, None), (1, Some(later))], "what stands comes first");
    assert_eq!(all[0], alert(2, "a", later), "and is read as it was written");

    // A month later it is forgotten, and its messages with it; what stands stays.
    let month = NOW.moved(31 * DAY_MS);
    store.save(alert(3, "b", month), None, month);
    let left: Vec<u8> =
        store.reader.blocking().alerts(10).unwrap().iter().map(|alert| alert.id.0[0]).collect();
    assert_eq!(left, [3, 2]);
    assert!(store.due(month).iter().all(|(_, _, turn, _)| *turn == raised));
    let known = store.reader.blocking().alerts_known(month).unwrap();
    assert_eq!(known.iter().map(|alert| alert.id.0[0]).collect::<Vec<_>>(), [2, 3]);
}

#[test]
fn keys_that_end_are_found_unless_nobody_may_use_them() {
    let store = Store::new();
    let (ann, bob) = (store.user("ann"), store.user("bob"));
    let keys = [
        ("key_soon", ann, Some(1)),
        ("key_late", ann, Some(30)),
        ("key_never", ann, None),
        ("key_revoked", ann, Some(2)),
        ("key_of_bob", bob, Some(3)),
    ];
    for (number, (id, user, days)) in keys.into_iter().enumerate() {
        let key = NewKey {
            id: KeyId(id.to_owned()),
            user,
            role: Role::User,
            hash: [u8::try_from(number).unwrap(); 32],
            prefix: "dk_".to_owned(),
            expires_at: days.map(|days| NOW.moved(days * DAY_MS)),
            created_at: NOW,
        };
        store.run(move |commands| commands.create_key(&key));
    }
    store.run(|commands| commands.revoke_key(&KeyId("key_revoked".to_owned()), NOW));
    store.run(|commands| commands.set_disabled("bob", Some(NOW)).map(drop));
    let ending = store.reader.blocking().keys_ending(NOW, NOW.moved(7 * DAY_MS), 10).unwrap();
    let found: Vec<(&str, &str)> = ending.iter().map(|key| (key.id.0.as_str(), key.user.as_str())).collect();
    assert_eq!(found, [("key_soon", "ann")]);
}

#[test]
fn only_users_near_their_budget_are_found() {
    let store = Store::new();
    let ann = store.user("ann");
    store.user("bob");
    let seq = store.accept(ann, 1, NOW);
    store.claim(seq, 0);
    let bill = Bill { tokens: TokenUsage::default(), cost: Money(900), estimated: false };
    let call = CallRecord { sent_at: Some(NOW), ended_at: NOW, bill, counts: true };
    let end = JobEnd::Completed(Outcome::default());
    let settlement = Settlement { seq, run: 1, call, end, cache_bytes_max: None };
    store.run(move |commands| commands.settle(&settlement).map(drop));
    let spent = |budget, share| {
        let budgets = [(Tier::Free, Money(budget)), (Tier::Pro, Money(1))];
        let found = store.reader.blocking().budgets_spent(&budgets, share, NOW, 10).unwrap();
        found.into_iter().map(|one| (one.user, one.cost, one.budget)).collect::<Vec<_>>()
    };
    assert_eq!(spent(1000, 0.72), [("ann".to_owned(), Money(900), Money(1000))]);
    assert_eq!(spent(10_000, 0.72), []);
}
