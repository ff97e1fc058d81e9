//! Everything but HTTP: store, queue, scheduler, worker. The server and the command line's
//! in-process `generate` both run one.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::Context;
use rand::{RngExt, SeedableRng};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::accounts::Accounts;
use crate::config::Config;
use crate::diagram::check::Checker;
use crate::diagram::picture::Artist;
use crate::diagram::template::Templates;
use crate::domain::{Change, JobSeq, Tier, Timestamp, UserId};
use crate::events::Bus;
use crate::queue::{Queue, Scheduling};
use crate::scheduler::core::Core;
use crate::scheduler::{Claims, Scheduler};
use crate::store::retention::Keep;
use crate::store::sqlite::{self, DataLock, Sqlite, Watch};
use crate::store::{Reader, StoreError, Writer};
use crate::webhooks::{Waiting, Webhooks};
use crate::worker::{TagSecret, Troubles, Worker};

use super::pictures::{Pictures, check_render, pictures};
use super::{data_dir, housekeeping, templates, webhooks, wiring};

/// The system's clock.
pub(super) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

/// What the writes before a stop may take before the stop goes on without them.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(2);

/// What becomes of the requests that wait on the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BacklogUse {
    /// They are run: a server.
    Run,
    /// They wait for a server: one command that makes one diagram.
    Leave,
}

/// The running parts.
pub struct Engine {
    /// Submissions and figures.
    pub queue: Queue,
    /// Reads.
    pub reader: Reader,
    /// Live events.
    pub bus: Bus,
    /// Users and keys.
    pub accounts: Accounts,
    /// Checks sources.
    pub checker: Arc<dyn Checker>,
    /// Draws them.
    pub artist: Arc<dyn Artist>,
    /// The scheduler.
    pub scheduler: Arc<Scheduler>,
    /// What users do with their webhooks.
    pub webhooks: Webhooks,
    /// The templates in force.
    pub templates: Arc<Templates>,
    /// The secret of this server's own tokens.
    pub secret: [u8; 32],
    /// What keeps upstreams from working.
    pub troubles: Arc<Troubles>,
    outbox: Option<Arc<Waiting>>,
    writer: Writer,
    stop: CancellationToken,
    give_up: CancellationToken,
    worker: JoinHandle<()>,
    tasks: Vec<JoinHandle<()>>,
    /// What [`Engine::begin`] has to take over yet.
    unread: Option<Unread>,
    _locks: Vec<DataLock>,
}

/// The backlog, when this engine is to run it.
struct Unread {
    /// Jobs that the scheduler knows already, and those it hears of should they ever need a call of
    /// their own.
    known: HashSet<JobSeq>,
    /// Tiers that changed since jobs were accepted: waiting jobs carry the tiers of then.
    moved: Vec<(UserId, Tier)>,
}

impl Engine {
    /// Opens the store and puts right what the last stop left. Nothing is claimed before
    /// [`Engine::begin`]. Bringing an older database to this version may take long, and ends with
    /// `watch`.
    ///
    /// # Errors
    /// When the data directory is in use, the store does not open, or an upstream's settings
    /// cannot be used.
    pub async fn start(config: &Config, backlog: BacklogUse, watch: Watch) -> anyhow::Result<Self> {
        let templates = Arc::new(templates::templates(config)?);
        let filling = Arc::new(templates::Filling(Arc::clone(&templates)));
        data_dir::make(&config.server.data_dir)?;
        let mut locks = vec![
            DataLock::take(&config.server.data_dir)
                .map_err(|reason| data_dir::explained(&config.server.data_dir, reason))?,
        ];
        if let Some(database) = &config.storage.path {
            locks.push(DataLock::take_beside(database)?);
        }
        let secret = data_dir::secret(&config.server.data_dir)?;
        let opening = config.clone();
        let opened = tokio::task::spawn_blocking(move || open_store(&opening, &watch)).await;
        let Sqlite { writer, reader } = opened.context("the start was interrupted")??;
        let bus = Bus::default();
        let accounts = Accounts::new(writer.clone(), reader.clone(), now);
        let mut rules = wiring::rules(config, filling);
        // What is left waiting here makes no call that could be shared.
        rules.coalesce &= backlog == BacklogUse::Run;
        let (queue, claimed) = Queue::new(writer.clone(), reader.clone(), bus.clone(), rules, now);
        let providers = wiring::providers(config)?;
        let (scheduler, unread) = prepare_scheduler(config, &queue, &accounts, backlog).await?;

        for warning in check_render(config)? {
            tracing::warn!("{warning}");
        }
        let Pictures { artist, checker } = pictures(config)?;
        let (stop, give_up) = (CancellationToken::new(), CancellationToken::new());
        let troubles = Arc::new(Troubles::default());
        let worker = Arc::new(Worker {
            queue: queue.clone(),
            bus: bus.clone(),
            providers,
            checker: Arc::clone(&checker),
            repair_attempts: config.generation.repair_attempts,
            timeout: config.generation.timeout,
            tags: TagSecret::new(secret),
            troubles: Arc::clone(&troubles),
            clock: now,
        });
        let worker = tokio::spawn(worker.work(claimed, stop.clone(), give_up.clone()));
        let keep = Keep { requests: config.retention.finished, messages: config.retention.webhooks };
        let mut tasks = vec![
            tokio::spawn(queue.clone().tell_positions(stop.clone())),
            tokio::spawn(housekeeping::notice_changes(accounts.clone(), queue.clone(), stop.clone())),
            tokio::spawn(housekeeping::record_uses(accounts.clone(), stop.clone())),
            tokio::spawn(housekeeping::expire_followers(queue.clone(), stop.clone())),
            tokio::spawn(housekeeping::trim_cache(queue.clone(), stop.clone())),
            tokio::spawn(housekeeping::purge(queue.clone(), keep, stop.clone())),
        ];
        let mut outbox = None;
        if backlog == BacklogUse::Run {
            let (deliverer, stored, waiting) = webhooks::deliverer(config, writer.clone(), reader.clone())?;
            queue.deliver_with(stored);
            tasks.push(tokio::spawn(housekeeping::keep_books(queue.clone(), stop.clone())));
            tasks.push(tokio::spawn(deliverer.run(stop.clone(), give_up.clone())));
            outbox = Some(waiting);
        }
        Ok(Self {
            queue,
            reader: reader.clone(),
            bus,
            accounts,
            checker,
            artist,
            scheduler,
            webhooks: webhooks::own(config, writer.clone(), reader.clone()),
            templates,
            secret,
            troubles,
            outbox,
            writer,
            stop,
            give_up,
            worker,
            tasks,
            unread,
            _locks: locks,
        })
    }

    /// Runs something beside until the stop.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        work: impl FnOnce(CancellationToken) -> F,
    ) {
        self.tasks.push(tokio::spawn(work(self.stop.clone())));
    }

    /// The messages that wait for delivery, when this engine delivers.
    pub(super) fn outbox(&self) -> Option<&Arc<Waiting>> {
        self.outbox.as_ref()
    }

    /// The writer, for whoever counts what it does.
    pub(super) fn writer(&self) -> &Writer {
        &self.writer
    }

    /// Starts claiming, and reads the backlog: what was running at the last stop runs again before
    /// that, everything else goes in its order after it. Last of all that can fail at a start, for
    /// a claim is a paid call on its way; and before anything is submitted.
    ///
    /// # Errors
    /// When the system refuses a thread or the backlog cannot be read.
    pub async fn begin(&mut self) -> anyhow::Result<()> {
        let (scheduler, queue) = (Arc::clone(&self.scheduler), self.queue.clone());
        let unread = self.unread.take();
        let begun = tokio::task::spawn_blocking(move || {
            let claims: Arc<dyn Claims> = Arc::new(queue.clone());
            let Some(Unread { known, moved }) = unread else {
                return scheduler.begin(&claims, |_| Ok(()));
            };
            scheduler.begin(&claims, |hand_over| {
                queue.backlog(&known, hand_over)?;
                moved.into_iter().for_each(|(user, tier)| queue.user_changed(user, tier));
                Ok(())
            })
        });
        let begun: Result<(), StoreError> =
            begun.await.context("the start was interrupted")?.context("the scheduler cannot start")?;
        begun.context("the backlog was not read")
    }

    /// Takes nothing new and claims nothing more.
    pub async fn drain(&self) {
        self.queue.drain();
        self.scheduler.stop();
        // Claims that were decided are still on their way through the writer: what is written
        // after them finds them with the worker.
        match tokio::time::timeout(FLUSH_TIME_MAX, self.queue.probe()).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => tracing::warn!(%reason, "the store takes no writes at the stop"),
            Err(_) => tracing::warn!("the store is slow at the stop"),
        }
        self.stop.cancel();
    }

    /// Waits for running calls until `hurry` fires, closes those that still run (their jobs go
    /// back into the queue), and closes the store. Call [`Engine::drain`] first.
    pub async fn finish(self, hurry: impl Future<Output = ()>) {
        let mut worker = self.worker;
        tokio::select! {
            ended = &mut worker => log_join("worker", ended),
            () = hurry => {
                self.queue.give_up();
                self.give_up.cancel();
                log_join("worker", worker.await);
            }
        }
        for task in self.tasks {
            log_join("background task", task.await);
        }
        if let Err(reason) = self.accounts.record_uses().await {
            tracing::warn!(%reason, "the last uses of keys were not recorded");
        }
        let writer = self.writer;
        log_join("store", tokio::task::spawn_blocking(move || writer.close()).await);
    }
}

fn log_join(what: &str, ended: Result<(), tokio::task::JoinError>) {
    if let Err(reason) = ended {
        tracing::error!(%reason, "the {what} did not end well");
    }
}

/// Where the database of a configuration is.
pub(super) fn database_path(config: &Config) -> PathBuf {
    config.storage.path.clone().unwrap_or_else(|| sqlite::path_in(&config.server.data_dir))
}

fn open_store(config: &Config, watch: &Watch) -> anyhow::Result<Sqlite> {
    let path = database_path(config);
    data_dir::check_owner(&path)?;
    sqlite::open(&path, webhooks::write_message(config), watch)
        .map_err(|reason| data_dir::explained(&path, reason))
        .with_context(|| format!("the database {} cannot be opened", path.display()))
}

/// Users and keys for a command-line verb, whether or not a server runs on the data directory.
///
/// # Errors
/// When the store does not open.
pub fn open_accounts(config: &Config) -> anyhow::Result<Accounts> {
    data_dir::make(&config.server.data_dir)?;
    let _alone = alone_if_older(config)?;
    let Sqlite { writer, reader } = open_store(config, &Watch::default())?;
    Ok(Accounts::new(writer, reader, now))
}

/// The locks of the data directory, when its database is of an older version: the schema must not
/// change under a server that still runs on it.
fn alone_if_older(config: &Config) -> anyhow::Result<Vec<DataLock>> {
    let database = database_path(config);
    // What cannot be read is reported by whoever opens it.
    if !sqlite::is_older(&database).unwrap_or(false) {
        return Ok(Vec::new());
    }
    let beside = config.storage.path.as_deref().map(DataLock::take_beside);
    let locks = [Some(DataLock::take(&config.server.data_dir)), beside];
    locks.into_iter().flatten().collect::<Result<_, _>>().map_err(|reason| match reason {
        StoreError::Locked(_) => anyhow::anyhow!(
            "a server of an older version runs on {}, and this version would change its database; stop it first, or \
             use the program of its version",
            database.display()
        ),
        other => data_dir::explained(&config.server.data_dir, other),
    })
}

/// Hands over what earlier calls used and what was running; nothing is decided yet.
async fn prepare_scheduler(
    config: &Config,
    queue: &Queue,
    accounts: &Accounts,
    backlog: BacklogUse,
) -> anyhow::Result<(Arc<Scheduler>, Option<Unread>)> {
    let lanes = config.upstreams.iter().map(|upstream| upstream.lane.clone()).collect();
    let mut rng = rand::rngs::StdRng::from_rng(&mut rand::rng());
    let core = Core::new(lanes, config.tiers.clone(), config.queue.retry, move || rng.random());
    let scheduler = Scheduler::new(core, now);
    queue.connect(Arc::clone(&scheduler) as Arc<dyn Scheduling>);
    let recovering = queue.clone();
    let recovered = tokio::task::spawn_blocking(move || recovering.recover());
    let recovered = recovered.await.context("the start was interrupted")??;
    if !recovered.put_back.is_empty() {
        tracing::info!(requests = recovered.put_back.len(), "requests that ran at the last stop wait again");
    }
    scheduler.prepare(|core, at| {
        for charge in &recovered.charges {
            core.restore_charge(&charge.lane, &charge.usage, charge.sent_at, charge.ended_at);
        }
        core.committed(&Change::Paused(recovered.paused), at);
    });
    if backlog == BacklogUse::Leave {
        return Ok((scheduler, None));
    }
    let put_back = recovered.put_back.iter().map(|job| job.seq);
    let known = put_back.chain(recovered.followers.iter().map(|follower| follower.seq)).collect();
    queue.follow_again(recovered.followers);
    scheduler.prepare(|core, at| {
        recovered.put_back.into_iter().for_each(|job| core.committed(&Change::Queued(job), at));
    });
    let moved = accounts.notice_changes().await.context("the users were not read")?;
    moved.iter().for_each(|(user, tier)| queue.user_changed(*user, *tier));
    Ok((scheduler, Some(Unread { known, moved })))
}
