//! The look that is taken every second, and what becomes of its news: kept, logged, told.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use rand::Rng;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::domain::alert::{Alert, AlertChannel, AlertId, AlertLevel, AlertTurn};
use crate::domain::limits::Overview;
use crate::domain::time::Clock;
use crate::domain::{Money, Tier, Timestamp};
use crate::events::Bus;
use crate::store::alerts::{AlertSaved, EndingKey, Spent};
use crate::store::{Priority, Reader, StoreError, Writer};

use super::conditions::{self, Bounds, Disk, KEY_ENDED_MAX, Observation};
use super::core::{Core, Turn};
use super::rate::Recent;

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks at keys and budgets, which are read from the database.
const READ_EVERY: Duration = Duration::from_secs(20);
/// Keys, and users of a tier, that are looked at.
const READ_MAX: u32 = 200;
/// News that wait for a store that takes no writes.
const UNSAVED_MAX: usize = 1000;

/// What may change while the server runs.
#[derive(Clone, Debug)]
pub struct Settings {
    /// When to alert.
    pub bounds: Bounds,
    /// One trouble is told once in so long.
    pub window: Duration,
    /// How the operator is told, besides log and dashboard.
    pub channels: Vec<AlertChannel>,
    /// Tiers with a budget of the month.
    pub budgets: Vec<(Tier, Money)>,
}

/// What is seen of the rest of the server. No call may block for long.
pub trait Sight: Send + Sync {
    /// The queue and the upstreams; `None` while the server starts.
    fn overview(&self) -> Option<Overview>;
    /// Room where the data are; `None` where the file system does not tell.
    fn disk(&self) -> Option<Disk>;
}

/// How many alerts stood at the last look.
#[derive(Default)]
struct Standing {
    warning: AtomicU64,
    critical: AtomicU64,
}

/// What others tell the watcher; one per server.
pub struct Alerts {
    recent: Mutex<Recent>,
    settings: ArcSwap<Settings>,
    /// How many stand.
    standing: Standing,
    /// Fire when there is a message to carry, by channel.
    written: [Notify; 2],
    clock: Clock,
}

impl Alerts {
    /// With these settings, nothing seen yet.
    pub fn new(settings: Settings, clock: Clock) -> Self {
        Self {
            recent: Mutex::default(),
            settings: ArcSwap::from_pointee(settings),
            standing: Standing::default(),
            written: Default::default(),
            clock,
        }
    }

    /// Fires when there may be a message for this channel.
    pub(super) fn written(&self, channel: AlertChannel) -> &Notify {
        &self.written[channel as usize]
    }

    /// Puts other settings in force.
    pub fn set(&self, settings: Settings) {
        self.settings.store(Arc::new(settings));
    }

    /// How many warnings and how many critical alerts stood at the last look.
    pub fn standing(&self) -> [(AlertLevel, u64); 2] {
        [
            (AlertLevel::Warning, self.standing.warning.load(Ordering::Relaxed)),
            (AlertLevel::Critical, self.standing.critical.load(Ordering::Relaxed)),
        ]
    }

    fn count(&self, core: &Core) {
        let of = |level| core.standing().filter(|alert| alert.level == level).count() as u64;
        self.standing.warning.store(of(AlertLevel::Warning), Ordering::Relaxed);
        self.standing.critical.store(of(AlertLevel::Critical), Ordering::Relaxed);
    }

    /// A request ended: with a diagram, or failed through no fault of its user.
    pub fn request_ended(&self, failed: bool) {
        self.recent.lock().note(failed, (self.clock)());
    }
}

/// Looks, keeps, tells.
pub struct Watcher {
    /// What others tell.
    pub alerts: Arc<Alerts>,
    /// What is seen.
    pub sight: Box<dyn Sight>,
    /// Reads keys, budgets, and what was told before.
    pub reader: Reader,
    /// Keeps what is told.
    pub writer: Writer,
    /// Tells the dashboard.
    pub bus: Bus,
    /// Now.
    pub clock: Clock,
}

/// What is read from the database now and then.
#[derive(Default)]
struct Read {
    keys: Vec<EndingKey>,
    budgets: Vec<Spent>,
}

impl Watcher {
    /// Looks every second until `stop` fires.
    pub async fn watch(self, stop: CancellationToken) {
        let mut core = self.restored().await;
        let mut read = Read::default();
        let mut read_at = Instant::now();
        let mut unsaved: Vec<AlertSaved> = Vec::new();
        let mut ticks = interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
            }
            let settings = self.alerts.settings.load_full();
            if Instant::now() >= read_at {
                read_at = Instant::now() + READ_EVERY;
                match self.read(&settings).await {
                    Ok(fresh) => read = fresh,
                    Err(reason) => {
                        tracing::warn!(%reason, "keys and budgets could not be looked at for alerts")
                    }
                }
            }
            let now = (self.clock)();
            let observation = self.look(&read, now);
            let found = conditions::conditions(&observation, &settings.bounds, now);
            let turns = core.step(&found, settings.window, now, &mut fresh_id);
            for turn in turns {
                self.tell(&turn);
                unsaved.push(AlertSaved {
                    alert: turn.alert,
                    tell: turn.tell,
                    channels: settings.channels.clone(),
                });
            }
            self.alerts.count(&core);
            self.save(&mut unsaved, now).await;
        }
    }

    /// The core with what was told before this start.
    async fn restored(&self) -> Core {
        let window = self.alerts.settings.load().window;
        let since = (self.clock)().before(window);
        match self.reader.read(move |reads| reads.alerts_known(since)).await {
            Ok(known) => Core::restore(known),
            Err(reason) => {
                tracing::warn!(%reason, "earlier alerts could not be read; some may be told again");
                Core::default()
            }
        }
    }

    async fn read(&self, settings: &Settings) -> Result<Read, StoreError> {
        let now = (self.clock)();
        let (from, to) = (now.before(KEY_ENDED_MAX), now.after(settings.bounds.key_expiry));
        let budgets = settings.budgets.clone();
        // A tenth below the lowest bound, so that what stands is seen to its end.
        let share = settings.bounds.thresholds.first().copied().unwrap_or(1.0) * 0.9;
        self.reader
            .read(move |reads| {
                let keys = reads.keys_ending(from, to, READ_MAX)?;
                let budgets = if budgets.is_empty() {
                    Vec::new()
                } else {
                    reads.budgets_spent(&budgets, share, now, READ_MAX)?
                };
                Ok(Read { keys, budgets })
            })
            .await
    }

    fn look(&self, read: &Read, now: Timestamp) -> Observation {
        Observation {
            overview: self.sight.overview(),
            rate: self.alerts.recent.lock().rate(now),
            disk: self.sight.disk(),
            keys: read.keys.clone(),
            budgets: read.budgets.clone(),
            // `2026-11-01T…`
            month: now.month().to_string().chars().take(7).collect(),
        }
    }

    /// To log and dashboard, at once: they must hear of a store that takes no writes, too.
    fn tell(&self, turn: &Turn) {
        let Some(what) = turn.tell else { return };
        log(&turn.alert, what);
        self.bus.publish_alert(what, turn.alert.clone());
    }

    /// What the store does not take now is tried again at the next look.
    async fn save(&self, unsaved: &mut Vec<AlertSaved>, now: Timestamp) {
        if unsaved.is_empty() {
            return;
        }
        let saved = unsaved.clone();
        let bytes = saved.len() * 512;
        let written =
            self.writer.write(Priority::Control, bytes, move |commands| commands.save_alerts(&saved, now));
        match written.await {
            Ok(()) => {
                unsaved.clear();
                self.alerts.written.iter().for_each(Notify::notify_one);
            }
            Err(reason) => {
                tracing::error!(%reason, "alerts could not be stored; it is tried again");
                let excess = unsaved.len().saturating_sub(UNSAVED_MAX);
                unsaved.drain(..excess);
            }
        }
    }
}

fn log(alert: &Alert, turn: AlertTurn) {
    let (kind, subject, id) = (alert.kind.name(), alert.subject.as_str(), alert.id);
    match (turn, alert.level) {
        (AlertTurn::Raised, AlertLevel::Critical) => {
            tracing::error!(alert = %id, kind, subject, "alert: {}", alert.message);
        }
        (AlertTurn::Raised, AlertLevel::Warning) => {
            tracing::warn!(alert = %id, kind, subject, "alert: {}", alert.message);
        }
        (AlertTurn::Resolved, _) => {
            tracing::info!(alert = %id, kind, subject, "an alert is over: {kind} of {subject}");
        }
    }
}

fn fresh_id() -> AlertId {
    let mut bits = [0; 16];
    rand::rng().fill_bytes(&mut bits);
    AlertId(bits)
}
