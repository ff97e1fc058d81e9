//! The outbox on a real database: one message an end, bounds, retries, secrets, retention.

use rusqlite::Connection;

use super::*;
use crate::domain::webhook::{DeliveryRecord, DeliveryState, MessageKind, PendingDelivery, Then, Tried};
use crate::store::webhooks::{DeliveryQuery, Enqueued, NewMessage, NewSecret, WebhookChanged};

const URL: &str = "https://app.example/hooks";

fn secret(byte: u8) -> NewSecret {
    NewSecret { bytes: vec![byte; 32], at: NOW }
}

fn tried(then: Then) -> Tried {
    let error = (then != Then::Done).then(|| "the receiver answered 500".to_owned());
    let status = Some(if then == Then::Done { 204 } else { 500 });
    Tried { since: NOW, to: Some(URL.to_owned()), at: NOW, status, error, then }
}

impl Store {
    fn set_url(&self, user: UserId, url: Option<&'static str>, byte: u8) -> WebhookChanged {
        self.run(move |commands| commands.set_webhook(user, url, &secret(byte)))
    }

    fn deliveries(&self) -> Vec<DeliveryRecord> {
        let query = DeliveryQuery { user: None, state: None, before: None, limit: 100 };
        self.reader.blocking().deliveries(&query).unwrap()
    }

    fn waiting(&self) -> Vec<PendingDelivery> {
        let mut waiting = Vec::new();
        self.reader.blocking().each_pending_delivery(&mut |message| waiting.push(message)).unwrap();
        waiting
    }

    fn note(&self, message: &PendingDelivery, then: Then) {
        let seq = message.seq;
        self.run(move |commands| commands.delivery_tried(seq, &tried(then)));
    }

    fn expires(&self, user: UserId, number: u8) {
        let seq = self.accept(user, number, NOW);
        assert!(self.run(move |commands| commands.expire(seq, NOW)));
    }

    fn counted(&self) -> (i64, i64) {
        let database = Connection::open(path_in(self._dir.path())).unwrap();
        let sql = "SELECT (SELECT value FROM setting WHERE name = 'webhooks_waiting'),
                          (SELECT coalesce(sum(count), 0) FROM webhook_waiting)";
        database.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
    }
}

#[test]
fn an_end_is_told_to_whom_the_request_or_the_user_says_and_else_to_nobody() {
    let store = Store::new();
    let (ann, bob) = (store.user("ann"), store.user("bob"));
    store.set_url(ann, Some(URL), 1);
    store.expires(ann, 1);
    store.expires(bob, 2);
    let mut named = submission(bob, 3, None, NOW);
    named.job.webhook_url = Some("https://other.example/".to_owned());
    let Submitted::Accepted { seq, .. } = store.run(move |commands| commands.submit(&named)) else {
        panic!("not accepted");
    };
    store.run(move |commands| commands.expire(seq, NOW));
    let told: Vec<_> = store
        .deliveries()
        .into_iter()
        .map(|one| (one.user_name, one.job.unwrap(), one.url.unwrap(), one.kind, one.state))
        .collect();
    assert_eq!(
        told,
        [
            (
                "bob".to_owned(),
                JobId([3; 16]),
                "https://other.example/".to_owned(),
                MessageKind::Expired,
                DeliveryState::Pending
            ),
            ("ann".to_owned(), JobId([1; 16]), URL.to_owned(), MessageKind::Expired, DeliveryState::Pending),
        ]
    );
    let waiting = store.waiting();
    let outgoing = store.reader.blocking().outgoing(waiting[0].seq, NOW).unwrap().unwrap();
    assert_eq!((outgoing.url.as_deref(), outgoing.secrets), (Some(URL), vec![vec![1; 32]]));
    assert_eq!(outgoing.body, format!("{} expired", JobId([1; 16])), "the state of the end");
    let outgoing = store.reader.blocking().outgoing(waiting[1].seq, NOW).unwrap().unwrap();
    assert!(outgoing.secrets.is_empty(), "bob has none yet");
    assert_eq!(store.counted(), (2, 2));
}

#[test]
fn every_end_of_a_shared_call_and_of_the_cache_is_told() {
    let store = Store::new();
    let user = store.user("ann");
    store.set_url(user, Some(URL), 1);
    for number in 1..=2 {
        let mut sharing = submission(user, number, None, NOW);
        sharing.job.cache_key = Some([9; 32]);
        sharing.followers_max = 1;
        store.run(move |commands| commands.submit(&sharing));
    }
    store.claim(JobSeq(1), 0);
    let outcome = Outcome {
        source: Some("digraph { a }".to_owned()),
        validation: Some(crate::domain::Validation::of(crate::domain::ValidationStatus::Valid, Vec::new())),
        ..Outcome::default()
    };
    let call = CallRecord { sent_at: Some(NOW), ended_at: NOW, bill: Bill::default(), counts: true };
    let settlement = Settlement {
        seq: JobSeq(1),
        run: 1,
        call,
        end: JobEnd::Completed(outcome),
        cache_bytes_max: Some(1 << 20),
    };
    store.run(move |commands| commands.settle(&settlement).map(drop));
    let mut cached = submission(user, 3, None, NOW);
    cached.job.cache_key = Some([9; 32]);
    cached.kept_since = Some(Timestamp(0));
    assert!(matches!(store.run(move |commands| commands.submit(&cached)), Submitted::Answered { .. }));
    let told: Vec<_> = store.deliveries().into_iter().rev().map(|one| (one.job.unwrap(), one.kind)).collect();
    assert_eq!(told, [1, 2, 3].map(|number| (JobId([number; 16]), MessageKind::Completed)));
    let ids: std::collections::HashSet<_> = store.deliveries().into_iter().map(|one| one.id).collect();
    assert_eq!(ids.len(), 3);
}

#[test]
fn tries_are_counted_and_who_asks_again_gets_the_same_message() {
    let store = Store::new();
    let user = store.user("ann");
    store.set_url(user, Some(URL), 1);
    store.expires(user, 1);
    let message = store.waiting().remove(0);
    let id = store.deliveries()[0].id;
    store.note(&message, Then::Again(NOW.moved(5000)));
    let waits = store.waiting().remove(0);
    assert_eq!((waits.next_at, waits.since), (NOW.moved(5000), NOW));
    assert_eq!(store.reader.blocking().outgoing(message.seq, NOW).unwrap().unwrap().tries, 1);
    store.note(&message, Then::GivenUp);
    assert!(store.waiting().is_empty() && store.counted() == (0, 0));
    let failed = store.deliveries().remove(0);
    assert_eq!((failed.state, failed.attempts, failed.status), (DeliveryState::Failed, 2, Some(500)));
    // What comes late of an earlier try changes nothing.
    store.note(&message, Then::Done);
    assert_eq!(store.deliveries()[0].state, DeliveryState::Failed);

    let later = NOW.moved(9000);
    let other = store.user("bob");
    let asked = store.run(move |commands| commands.redeliver(other, id, later));
    assert!(matches!(asked, Enqueued::Missing));
    let Enqueued::Waiting(again) = store.run(move |commands| commands.redeliver(user, id, later)) else {
        panic!("not stored");
    };
    assert_eq!(
        (again.id, again.state, again.next_at, again.attempts),
        (id, DeliveryState::Pending, Some(later), 2)
    );
    let outgoing = store.reader.blocking().outgoing(message.seq, later).unwrap().unwrap();
    assert_eq!((outgoing.tries, outgoing.since), (0, later), "a schedule of its own");
    store.note(&message, Then::Done);
    assert_eq!((store.deliveries()[0].state, store.counted()), (DeliveryState::Delivered, (0, 0)));
    store.purge(NOW, Duration::ZERO);
    assert_eq!(store.deliveries().len(), 1, "not yet");
    store.purge(NOW.moved(1), Duration::ZERO);
    assert!(store.deliveries().is_empty());
}

#[test]
fn a_late_answer_of_an_earlier_address_or_schedule_changes_nothing_of_the_present_one() {
    let store = Store::new();
    let user = store.user("ann");
    store.set_url(user, Some(URL), 1);
    store.expires(user, 1);
    let message = store.waiting().remove(0);
    store.set_url(user, Some("https://new.example/hooks"), 2);
    store.note(&message, Then::Gone);
    assert_eq!(store.reader.blocking().webhook(user, NOW).unwrap().disabled_at, None, "the old one is gone");

    let (id, later) = (message_id(&store), NOW.moved(9000));
    let asked = store.run(move |commands| commands.redeliver(user, id, later));
    assert!(matches!(asked, Enqueued::Waiting(_)));
    store.note(&message, Then::GivenUp);
    let waits = store.deliveries().remove(0);
    assert_eq!((waits.state, waits.next_at, waits.error), (DeliveryState::Pending, Some(later), None));
    store.note(&message, Then::Done);
    assert_eq!(store.deliveries()[0].state, DeliveryState::Delivered, "it was taken, whoever sent it");
}

fn message_id(store: &Store) -> crate::domain::webhook::DeliveryId {
    store.deliveries()[0].id
}

#[test]
fn an_address_that_is_gone_gets_nothing_until_it_is_set_again() {
    let store = Store::new();
    let user = store.user("ann");
    store.set_url(user, Some(URL), 1);
    (1..=2).for_each(|number| store.expires(user, number));
    let waiting = store.waiting();
    store.note(&waiting[0], Then::Gone);
    assert_eq!(store.reader.blocking().outgoing(waiting[1].seq, NOW).unwrap().unwrap().url, None);
    store.expires(user, 3);
    assert_eq!(store.deliveries().len(), 2, "the third end is told to nobody");
    assert_eq!(store.reader.blocking().webhook(user, NOW).unwrap().disabled_at, Some(NOW));
    let test = move || NewMessage {
        user,
        kind: MessageKind::Test,
        body: "{}".to_owned(),
        at: NOW,
        origin: Origin::default(),
    };
    assert!(matches!(store.run(move |commands| commands.enqueue_message(&test())), Enqueued::Missing));
    store.set_url(user, Some(URL), 2);
    assert!(matches!(store.run(move |commands| commands.enqueue_message(&test())), Enqueued::Waiting(_)));
}

#[test]
fn a_secret_is_shown_once_and_the_one_before_signs_for_a_while() {
    let store = Store::new();
    let user = store.user("ann");
    let made = store.run(move |commands| commands.ensure_webhook_secret(user, &secret(1)));
    assert_eq!(made, vec![1; 32]);
    assert_eq!(store.set_url(user, Some(URL), 2).secret, Some(vec![1; 32]), "made before, not seen before");
    assert_eq!(store.set_url(user, Some(URL), 3).secret, None);
    let until = NOW.moved(1000);
    let rotated = store.run(move |commands| commands.rotate_webhook_secret(user, &secret(4), until));
    assert_eq!((rotated.secret, rotated.webhook.previous_secret_until), (Some(vec![4; 32]), Some(until)));
    store.expires(user, 1);
    let seq = store.waiting()[0].seq;
    let secrets = |at| store.reader.blocking().outgoing(seq, at).unwrap().unwrap().secrets;
    assert_eq!(secrets(NOW), [vec![4; 32], vec![1; 32]]);
    assert_eq!(secrets(until), [vec![4; 32]]);
    assert_eq!(store.set_url(user, None, 5).webhook.url, None);
}

#[test]
fn when_as_many_wait_as_may_an_end_is_kept_as_given_up_and_nothing_is_slower() {
    let store = Store::new();
    let (ann, bob) = (store.user("ann"), store.user("bob"));
    store.set_url(ann, Some(URL), 1);
    store.set_url(bob, Some(URL), 1);
    let database = Connection::open(path_in(store._dir.path())).unwrap();
    database
        .execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
             INSERT INTO webhook_delivery (id, user_id, kind, created_at, since, next_at)
             SELECT randomblob(16), ?1, 6, 0, 0, 0 FROM n",
            [ann.0],
        )
        .unwrap();
    store.expires(ann, 1);
    store.expires(bob, 2);
    let told = store.deliveries();
    assert_eq!((told[1].state, told[1].attempts), (DeliveryState::Failed, 0));
    assert!(told[1].error.as_ref().unwrap().contains("as many messages wait as may"));
    assert_eq!(told[0].state, DeliveryState::Pending, "another user's");
    let id = told[1].id;
    assert!(matches!(store.run(move |commands| commands.redeliver(ann, id, NOW)), Enqueued::Full));
}

#[test]
fn users_whose_receivers_are_dead_leave_the_others_a_share() {
    let store = Store::new();
    let bob = store.user("bob");
    store.set_url(bob, Some(URL), 1);
    let database = Connection::open(path_in(store._dir.path())).unwrap();
    database.execute("UPDATE setting SET value = 100000 WHERE name = 'webhooks_waiting'", []).unwrap();
    for number in 1..=101 {
        store.expires(bob, number);
    }
    let states: Vec<_> = store.deliveries().iter().take(2).map(|one| one.state).collect();
    assert_eq!(
        states,
        [DeliveryState::Failed, DeliveryState::Pending],
        "the 101st finds no room, the 100th did"
    );
    database.execute("UPDATE setting SET value = 200000 WHERE name = 'webhooks_waiting'", []).unwrap();
    database.execute("UPDATE webhook_waiting SET count = 0", []).unwrap();
    store.expires(bob, 102);
    assert_eq!(store.deliveries()[0].state, DeliveryState::Failed, "memory has an end");
}

#[test]
fn an_ended_delivery_shows_where_it_went_and_what_was_last_said() {
    let store = Store::new();
    let user = store.user("ann");
    store.set_url(user, Some(URL), 1);
    (1..=2).for_each(|number| store.expires(user, number));
    let waiting = store.waiting();
    store.note(&waiting[0], Then::Done);
    store.note(&waiting[1], Then::Again(NOW.moved(5000)));
    store.set_url(user, Some("https://new.example/hooks"), 2);
    let shown = store.deliveries();
    assert_eq!(shown[1].url.as_deref(), Some(URL), "delivered there, not to the present address");
    assert_eq!(shown[0].url.as_deref(), Some("https://new.example/hooks"), "where it will go");
    let too_old = Tried {
        since: NOW,
        to: None,
        at: NOW,
        status: None,
        error: Some("too old".to_owned()),
        then: Then::GivenUp,
    };
    let seq = waiting[1].seq;
    store.run(move |commands| commands.delivery_tried(seq, &too_old));
    let given_up = store.deliveries().remove(0);
    assert_eq!(given_up.url.as_deref(), Some(URL), "where it was last sent");
    assert_eq!((given_up.status, given_up.attempts), (Some(500), 1));
    assert_eq!(given_up.error.as_deref(), Some("too old; last, the receiver answered 500"));
}

#[test]
fn a_page_and_a_try_never_look_at_every_row() {
    let store = Store::new();
    let database = Connection::open(path_in(store._dir.path())).unwrap();
    let user = store.user("ann");
    let mut statements = [
        "UPDATE webhook_delivery SET state = 1, next_at = NULL, ended_at = 1 WHERE seq = 7 AND state = 0",
        "SELECT seq FROM webhook_delivery WHERE state = 0 ORDER BY seq",
        "SELECT seq FROM webhook_delivery WHERE ended_at IS NOT NULL AND ended_at < 1 ORDER BY ended_at LIMIT 5",
    ]
    .map(|sql| (sql.to_owned(), ""))
    .to_vec();
    for (user, state, index) in [
        (None, None, "PRIMARY KEY"),
        (None, Some(DeliveryState::Pending), "webhook_delivery_waiting"),
        (None, Some(DeliveryState::Failed), "webhook_delivery_failed"),
        (Some(user), None, "webhook_delivery_user "),
        (Some(user), Some(DeliveryState::Pending), "webhook_delivery_user_waiting"),
        (Some(user), Some(DeliveryState::Failed), "webhook_delivery_user_failed"),
    ] {
        let query = DeliveryQuery { user, state, before: None, limit: 5 };
        statements.push((read::webhooks::page_sql(&query), index));
    }
    for (sql, index) in statements {
        let mut plan = database.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> = plan.raw_query().mapped(|row| row.get(3)).collect::<Result<_, _>>().unwrap();
        assert!(steps.iter().any(|step| step.contains(index)), "{sql}: {steps:?}");
        for step in steps {
            assert!(!step.starts_with("SCAN") || step.contains("USING"), "{sql}: {step}");
            assert!(!step.contains("TEMP B-TREE"), "{sql}: {step}");
        }
    }
}
