//! Joins the alerts to the rest: what they see, what they are told, and how they reach the operator.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;

use crate::alerts::conditions::{Bounds, Disk};
use crate::alerts::email::{Email, Mail, Security};
use crate::alerts::outbox::{Carriers, Carry, Outbox};
use crate::alerts::watcher::{Alerts, Settings, Sight, Watcher};
use crate::alerts::webhook::{Shape, Webhook};
use crate::config::{self, AlertEmail, AlertFormat, Config, EmailSecurity};
use crate::domain::alert::AlertChannel;
use crate::domain::change::EndKind;
use crate::domain::failure::FailureCode;
use crate::domain::limits::Overview;
use crate::domain::{Change, Tier};
use crate::queue::{Accepted, CallEnded, Observe, Queue};
use crate::webhooks::{Reach, Sender, Target};

use super::engine::{Engine, now};

/// One message, name and answer included.
const POST_TIME_MAX: Duration = Duration::from_secs(15);

/// The running alerts.
pub(super) struct Alerting {
    pub(super) alerts: Arc<Alerts>,
    carriers: Arc<Carriers>,
}

/// Prepares alerts, which begin with [`Alerting::start`].
///
/// # Errors
/// When a way to the operator cannot be used.
pub(super) fn prepare(config: &Config) -> anyhow::Result<Alerting> {
    let carriers = Arc::new(Carriers::from_pointee(carriers(&config.alerts)?));
    Ok(Alerting { alerts: Arc::new(Alerts::new(settings(config), now)), carriers })
}

impl Alerting {
    /// Starts to look.
    pub(super) fn start(&self, config: &Config, engine: &mut Engine) {
        let watcher = Watcher {
            alerts: Arc::clone(&self.alerts),
            sight: Box::new(Eyes { queue: engine.queue.clone(), places: places(config) }),
            reader: engine.reader.clone(),
            writer: engine.writer().clone(),
            bus: engine.bus.clone(),
            clock: now,
        };
        let outbox = Outbox {
            alerts: Arc::clone(&self.alerts),
            carriers: Arc::clone(&self.carriers),
            reader: engine.reader.clone(),
            writer: engine.writer().clone(),
            clock: now,
        };
        engine.spawn(|stop| watcher.watch(stop));
        engine.spawn(|stop| outbox.carry_on(stop));
    }

    /// Puts another configuration in force; ways that cannot be used leave the old ones.
    pub(super) fn reload(&self, config: &Config) {
        self.alerts.set(settings(config));
        match carriers(&config.alerts) {
            Ok(carriers) => self.carriers.store(Arc::new(carriers)),
            Err(reason) => {
                tracing::error!("how alerts are sent was not changed: {reason:#}");
            }
        }
    }
}

fn settings(config: &Config) -> Settings {
    let alerts = &config.alerts;
    let webhook = (!alerts.webhook_url.is_empty()).then_some(AlertChannel::Webhook);
    let email = alerts.email.as_ref().map(|_| AlertChannel::Email);
    Settings {
        bounds: Bounds {
            thresholds: alerts.thresholds.clone(),
            queue_age: alerts.queue_age,
            failure_rate: alerts.failure_rate,
            disk_free: alerts.disk_free,
            key_expiry: alerts.key_expiry,
        },
        window: alerts.window,
        channels: webhook.into_iter().chain(email).collect(),
        budgets: Tier::ALL
            .into_iter()
            .filter_map(|tier| Some((tier, config.tiers.of(tier).monthly_budget?)))
            .collect(),
    }
}

fn carriers(alerts: &config::Alerts) -> anyhow::Result<Vec<Box<dyn Carry>>> {
    let mut carriers: Vec<Box<dyn Carry>> = Vec::new();
    if !alerts.webhook_url.is_empty() {
        let webhook =
            webhook(alerts).map_err(anyhow::Error::msg).context("alerts.webhook_url cannot be used")?;
        carriers.push(Box::new(webhook));
    }
    if let Some(email) = &alerts.email {
        let email =
            Email::new(&mail(email)).map_err(anyhow::Error::msg).context("[alerts.email] cannot be used")?;
        carriers.push(Box::new(email));
    }
    Ok(carriers)
}

/// The operator's own address may be anywhere: a chat server of the house is a usual one.
fn webhook(alerts: &config::Alerts) -> Result<Webhook, String> {
    let target = Target::parse(&alerts.webhook_url, Reach::Anywhere).map_err(|reason| reason.to_string())?;
    let sender = Sender::new(Reach::Anywhere, POST_TIME_MAX, now)?;
    let shape = match alerts.format {
        AlertFormat::Generic => Shape::Generic,
        AlertFormat::Slack => Shape::Slack,
        AlertFormat::Ntfy => Shape::Ntfy,
    };
    let secret = alerts.secret.as_ref().map(|secret| secret.expose().parse());
    let secret = secret.transpose().map_err(|reason: crate::webhooks::BadSecret| reason.to_string())?;
    Webhook::new(target, shape, secret, sender)
}

fn mail(email: &AlertEmail) -> Mail {
    let password = email.password.as_ref().map(|password| password.expose().to_owned());
    Mail {
        host: email.host.clone(),
        port: email.port,
        security: match email.security {
            EmailSecurity::Starttls => Security::Starttls,
            EmailSecurity::Tls => Security::Tls,
            EmailSecurity::None => Security::None,
        },
        credentials: password.map(|password| (email.user.clone(), password)),
        from: email.from.clone(),
        to: email.to.clone(),
    }
}

/// What the alerts see of the server.
struct Eyes {
    queue: Queue,
    /// Where the server writes: two, where the database has a place of its own.
    places: Vec<PathBuf>,
}

fn places(config: &Config) -> Vec<PathBuf> {
    let database = config.storage.path.as_deref().and_then(Path::parent);
    // A bare name is in the working directory.
    let database = database.map(|folder| if folder == Path::new("") { Path::new(".") } else { folder });
    std::iter::once(config.server.data_dir.clone()).chain(database.map(Path::to_owned)).collect()
}

impl Sight for Eyes {
    fn overview(&self) -> Option<Overview> {
        self.queue.overview()
    }

    fn disk(&self) -> Option<Disk> {
        let disks = self.places.iter().filter_map(|place| rustix::fs::statvfs(place).ok());
        let disks = disks
            .map(|disk| Disk { free: disk.f_bavail * disk.f_frsize, size: disk.f_blocks * disk.f_frsize });
        // By cross-multiplication: shares are compared exactly.
        disks.min_by(|one, other| {
            let (left, right) = (
                u128::from(one.free) * u128::from(other.size),
                u128::from(other.free) * u128::from(one.size),
            );
            left.cmp(&right)
        })
    }
}

/// Tells the alerts how requests end.
pub(super) struct Ends(pub(super) Arc<Alerts>);

impl Observe for Ends {
    fn accepted(&self, _: &Accepted) {}

    fn committed(&self, changes: &[Change]) {
        for change in changes {
            // Who shares a call ends with it, and is not counted again.
            let Change::Ended(ended) = change else { continue };
            match &ended.how {
                EndKind::Completed(_) => self.0.request_ended(false),
                EndKind::Failed(failure) => self.0.request_ended(is_the_servers(failure.code)),
                EndKind::Cancelled | EndKind::Expired => {}
            }
        }
    }

    fn call_ended(&self, _: &CallEnded<'_>) {}
}

/// Whether the user had no part in a failure.
const fn is_the_servers(code: FailureCode) -> bool {
    match code {
        FailureCode::Refused | FailureCode::BudgetExceeded | FailureCode::NoDiagram => false,
        FailureCode::UpstreamRejected
        | FailureCode::UpstreamUnavailable
        | FailureCode::UpstreamTimeout
        | FailureCode::ModelUnavailable
        | FailureCode::Internal => true,
    }
}
