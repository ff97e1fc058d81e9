//! The outbox of alerts on a real database, with ways to the operator that fail as they do: nothing is
//! sent twice because a disk is full, no way waits for another, nobody waits for a day.

use std::sync::Arc;
use std::time::Duration;

use diagramd::alerts::conditions::Bounds;
use diagramd::alerts::outbox::{Carriers, Carry, Carrying, NotTaken, Outbox};
use diagramd::alerts::watcher::{Alerts, Settings};
use diagramd::domain::alert::{Alert, AlertChannel, AlertId, AlertKind, AlertLevel, AlertTurn, Told};
use diagramd::domain::{Change, Timestamp};
use diagramd::store::alerts::{AlertMessage, AlertSaved};
use diagramd::store::writer::Backend;
use diagramd::store::{Commands, Priority, Reader, StoreError, Writer, sqlite};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}

/// A disk that takes no writes.
struct Full;

impl Backend for Full {
    fn transaction(
        &mut self,
        _: &mut dyn FnMut(&mut dyn Commands) -> Result<(), StoreError>,
    ) -> Result<Vec<Change>, StoreError> {
        Err(StoreError::Failed("database or disk is full".to_owned()))
    }
}

/// A way that tells of each try, and answers as it is told.
struct Way {
    channel: AlertChannel,
    tried: mpsc::UnboundedSender<(AlertChannel, i64)>,
    /// `None`: never.
    answer: Option<Result<(), NotTaken>>,
}

impl Carry for Way {
    fn channel(&self) -> AlertChannel {
        self.channel
    }

    fn carry<'a>(&'a self, message: &'a AlertMessage, _: Timestamp) -> Carrying<'a> {
        self.tried.send((self.channel, message.id)).unwrap();
        let answer = self.answer.clone();
        Box::pin(async move {
            match answer {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

/// A database with so many alerts to be told by both ways.
async fn told(count: u8) -> (TempDir, Writer, Reader) {
    let dir = TempDir::new().unwrap();
    let store =
        sqlite::open(&dir.path().join("diagramd.db"), Arc::new(|_| String::new()), &sqlite::Watch::default())
            .unwrap();
    let alerts = (1..=count).map(|number| AlertSaved {
        alert: Alert {
            id: AlertId([number; 16]),
            key: format!("key_expiry/{number}"),
            kind: AlertKind::KeyExpiry,
            level: AlertLevel::Warning,
            subject: "key".to_owned(),
            message: "It ends.".to_owned(),
            value: None,
            threshold: None,
            raised_at: now(),
            resolved_at: None,
        },
        told: Told { at: now(), is_heard: true },
        tell: Some(AlertTurn::Raised),
        channels: AlertChannel::ALL.to_vec(),
    });
    let saved: Vec<_> = alerts.collect();
    store
        .writer
        .write(Priority::Control, 0, move |commands| commands.save_alerts(&saved, now()))
        .await
        .unwrap();
    (dir, store.writer, store.reader)
}

/// The outbox at work with these answers; what it tries.
fn carrying(
    writer: Writer,
    reader: &Reader,
    answers: [Option<Result<(), NotTaken>>; 2],
) -> mpsc::UnboundedReceiver<(AlertChannel, i64)> {
    let (tried, seen) = mpsc::unbounded_channel();
    let ways = AlertChannel::ALL
        .into_iter()
        .zip(answers)
        .map(|(channel, answer)| Box::new(Way { channel, tried: tried.clone(), answer }) as Box<dyn Carry>);
    let settings = Settings {
        bounds: Bounds {
            thresholds: Vec::new(),
            queue_age: Duration::ZERO,
            failure_rate: 0.0,
            disk_free: 0.0,
            key_expiry: Duration::ZERO,
        },
        window: Duration::ZERO,
        channels: Vec::new(),
        budgets: Vec::new(),
    };
    let outbox = Outbox {
        alerts: Arc::new(Alerts::new(settings, now)),
        carriers: Arc::new(Carriers::from_pointee(ways.collect())),
        reader: reader.clone(),
        writer,
        clock: now,
    };
    tokio::spawn(outbox.carry_on(CancellationToken::new()));
    seen
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_is_not_sent_again_because_the_disk_is_full() {
    let (_dir, _writer, reader) = told(3).await;
    let mut seen = carrying(Writer::start(Full).unwrap(), &reader, [Some(Ok(())), Some(Ok(()))]);
    let mut tried = Vec::new();
    while tried.len() < 6 {
        tried.push(seen.recv().await.unwrap());
    }
    // Many looks later; each read gives the other threads their time.
    for _ in 0..50 {
        tokio::time::sleep(Duration::from_secs(5)).await;
        reader.read(|_| Ok(())).await.unwrap();
    }
    while let Ok(one) = seen.try_recv() {
        tried.push(one);
    }
    tried.sort_unstable();
    let webhook = AlertChannel::Webhook;
    let email = AlertChannel::Email;
    assert_eq!(tried, [(webhook, 1), (webhook, 3), (webhook, 5), (email, 2), (email, 4), (email, 6)]);
}

#[tokio::test]
async fn a_way_that_hangs_holds_up_no_other() {
    let (_dir, writer, reader) = told(25).await;
    let mut seen = carrying(writer, &reader, [None, Some(Ok(()))]);
    let (mut posts, mut letters) = (0, 0);
    while letters < 25 {
        match seen.recv().await.unwrap().0 {
            AlertChannel::Webhook => posts += 1,
            AlertChannel::Email => letters += 1,
        }
    }
    assert!(posts <= 1, "its first try was not over when all letters were taken; there were {posts}");
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_a_day_is_asked_again_within_the_hour() {
    let (_dir, writer, reader) = told(1).await;
    let busy = NotTaken {
        why: "the webhook of alerts answered 503".to_owned(),
        is_final: false,
        retry_after: Some(Duration::from_secs(24 * 3600)),
    };
    let mut seen = carrying(writer, &reader, [Some(Err(busy)), Some(Ok(()))]);
    let due_at = |at| reader.blocking().alert_messages_due(AlertChannel::Webhook, at, 10).unwrap();
    while seen.recv().await.unwrap().0 != AlertChannel::Webhook {}
    while !due_at(now()).is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(due_at(now().after(Duration::from_secs(3600))).len(), 1);
}
