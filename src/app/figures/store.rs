//! The writer's transactions, and the room that the database takes and has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::Config;
use crate::store::{BatchDone, sqlite};
use crate::telemetry::metrics::Metrics;

use super::super::engine::Engine;

/// A commit waits for the disk: some milliseconds on a good one, seconds on one that stalls.
const COMMIT_SECONDS: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// A transaction takes at most 512 operations.
const OPERATIONS: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// Counts transactions, and shows files and disk at each look.
pub(super) fn count(metrics: &mut Metrics, config: &Config, engine: &Engine) {
    batches(metrics, engine);
    let writer = engine.writer().clone();
    let data_dir = config.server.data_dir.clone();
    let database = config.storage.path.clone().unwrap_or_else(|| sqlite::path_in(&data_dir));
    let disk_of_database = match database.parent() {
        // A bare name is in the working directory.
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    metrics.at_each_look(move |page| {
        let backlog = writer.backlog();
        page.gauges(
            "store_operations_waiting",
            "Operations that wait for the writer; claims, ends and administration are control",
            ["kind"],
            [(["control".into()], backlog.controls), (["submit".into()], backlog.submits)],
        )?;
        page.gauge(
            "store_wal_pages_waiting",
            "Pages of the write-ahead log that wait to be copied back, as of the last transaction",
            backlog.wal_pages,
        )?;
        page.gauges("store_database_bytes", "Size of the database's file", [], length(&database))?;
        page.gauges("store_wal_bytes", "Size of the write-ahead log's file", [], length(&wal(&database)))?;
        // A file system that cannot tell is left out.
        let disk = rustix::fs::statvfs(&disk_of_database).ok();
        let free = disk.as_ref().map(|disk| ([], disk.f_bavail * disk.f_frsize));
        page.gauges("disk_free_bytes", "Room that is left where the database is", [], free)?;
        let size = disk.as_ref().map(|disk| ([], disk.f_blocks * disk.f_frsize));
        page.gauges("disk_size_bytes", "Size of the file system where the database is", [], size)
    });
}

fn batches(metrics: &mut Metrics, engine: &Engine) {
    let batches = metrics.counters(
        "store_batches",
        "Transactions of the writer, by whether they are on disk",
        ["result"],
    );
    batches.add(["committed".into()], 0);
    batches.add(["failed".into()], 0);
    let operations = metrics.histogram("store_batch_operations", "Operations of one transaction", OPERATIONS);
    let seconds = metrics.histogram(
        "store_batch_duration_seconds",
        "From the begin of a transaction to the end of its commit",
        COMMIT_SECONDS,
    );
    engine.writer().listen_to_batches(Arc::new(move |batch: &BatchDone| {
        let result = if batch.committed { "committed" } else { "failed" };
        batches.add([result.into()], 1);
        #[expect(clippy::cast_precision_loss, reason = "at most 512")]
        operations.observe(batch.operations as f64);
        seconds.observe(batch.duration.as_secs_f64());
    }));
}

fn length(path: &Path) -> Option<([std::borrow::Cow<'static, str>; 0], u64)> {
    std::fs::metadata(path).ok().map(|file| ([], file.len()))
}

fn wal(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}
