//! The queue's figures for admins: rendered once a second for all who watch, and not at all when
//! nobody does; and news of alerts, as they come.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use serde_json::json;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::events::{AlertNews, Bus};
use crate::http::api::Api;
use crate::queue::Queue;

/// Between two looks at the queue.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One look at the queue.
#[derive(Clone, Default)]
struct Figures {
    /// Without what changes from message to message.
    body: Bytes,
    message: Utf8Bytes,
}

/// Where figures are shown while anybody watches.
#[derive(Default)]
pub(super) struct Board {
    shown: Mutex<Weak<watch::Sender<Figures>>>,
}

/// One admin's eyes on the board.
pub(super) struct Eyes {
    figures: watch::Receiver<Figures>,
    /// Figures are shown for as long as somebody holds this.
    _shown: Arc<watch::Sender<Figures>>,
    last: Bytes,
    told_at: Option<Instant>,
    alerts: broadcast::Receiver<Arc<AlertNews>>,
}

impl Board {
    /// Begins to watch; the first figures are there at once.
    pub(super) fn watch(&self, api: &Api) -> Box<Eyes> {
        let mut shown = self.shown.lock();
        let sender = shown.upgrade().unwrap_or_else(|| {
            let sender = Arc::new(watch::Sender::new(look(&api.queue, &api.bus).unwrap_or_default()));
            *shown = Arc::downgrade(&sender);
            tokio::spawn(show(Arc::downgrade(&sender), api.queue.clone(), api.bus.clone()));
            sender
        });
        let mut eyes = Eyes {
            figures: sender.subscribe(),
            _shown: sender,
            last: Bytes::new(),
            told_at: None,
            alerts: api.bus.alerts(),
        };
        eyes.figures.mark_changed();
        Box::new(eyes)
    }
}

impl Eyes {
    /// The next message: news of an alert, or figures that differ from the last ones, at most once
    /// a second. Cancel-safe.
    async fn next(&mut self) -> Utf8Bytes {
        loop {
            tokio::select! {
                news = self.alerts.recv() => match news {
                    Ok(news) => return alert(&news),
                    // What was lost is in the list of alerts.
                    Err(broadcast::error::RecvError::Lagged(_)) => continue,
                    // Cannot be: the bus lives as long as the server.
                    Err(broadcast::error::RecvError::Closed) => std::future::pending::<()>().await,
                },
                changed = self.figures.changed() => if changed.is_err() {
                    // Cannot be: the sender is held here.
                    std::future::pending::<()>().await;
                },
            }
            let figures = self.figures.borrow_and_update().clone();
            // Who came between two looks waits for the one after the next.
            let is_early = self.told_at.is_some_and(|at| at.elapsed() < LOOK_EVERY.mul_f32(0.9));
            if figures.body == self.last || figures.body.is_empty() || is_early {
                continue;
            }
            self.last = figures.body;
            self.told_at = Some(Instant::now());
            return figures.message;
        }
    }
}

/// The next message for an admin that watches; never for others. Cancel-safe.
pub(super) async fn next(eyes: &mut Option<Box<Eyes>>) -> Utf8Bytes {
    match eyes {
        Some(eyes) => eyes.next().await,
        None => std::future::pending().await,
    }
}

/// Looks once a second until nobody watches.
async fn show(shown: Weak<watch::Sender<Figures>>, queue: Queue, bus: Bus) {
    let mut ticks = interval_at(Instant::now() + LOOK_EVERY, LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(sender) = shown.upgrade() else { return };
        if let Some(figures) = look(&queue, &bus) {
            // Also when nothing changed: who was early last time compares for itself.
            sender.send_replace(figures);
        }
    }
}

/// An `alert` message.
fn alert(news: &AlertNews) -> Utf8Bytes {
    let mut message = json!(news.alert);
    message["type"] = "alert".into();
    message["seq"] = news.seq.into();
    message["state"] = news.turn.name().into();
    Utf8Bytes::from(message.to_string())
}

fn look(queue: &Queue, bus: &Bus) -> Option<Figures> {
    let mut figures = serde_json::to_value(queue.overview()?).ok()?;
    let body = Bytes::from(figures.to_string());
    figures["type"] = "queue".into();
    figures["seq"] = bus.next_seq().into();
    Some(Figures { body, message: Utf8Bytes::from(figures.to_string()) })
}
