//! The power goes at any moment: every acknowledged request is on the disk.

use std::collections::HashSet;
use std::path::Path;

use diagramd::store::sqlite;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tempfile::TempDir;

use crate::disk::Disk;
use crate::recording::{self, Recording};
use crate::syscalls::{File, Operation};

/// Images of a run; `POWER_CUTS` sets another number.
const IMAGES: usize = 300;
/// Checkpoints recorded: they are where SQLite writes over old pages.
const CHECKPOINTS: usize = 2;
/// Of the images, one in so many is opened by the store itself, migrations, pragmas and all.
const OPENED_EVERY: usize = 10;

#[test]
fn no_power_cut_loses_an_acknowledged_request() {
    let recording = recording::record(CHECKPOINTS);
    let operations = &recording.operations;
    let images = std::env::var("POWER_CUTS").map_or(IMAGES, |text| text.parse().unwrap());
    let lost = lost(&recording, images, |_| true);
    let acknowledged: usize = operations.iter().map(acknowledged_by).sum();
    println!(
        "{images} power cuts over {} operations, {acknowledged} acknowledged: {lost} lost",
        operations.len()
    );
    assert!(acknowledged > 100);
    assert_eq!(lost, 0);

    // The harness bites: with the syncs that `synchronous=NORMAL` makes, requests are lost.
    let as_normal = lost_as_normal(&recording, 60);
    assert!(as_normal > 0, "no loss without the syncs of commits: these images prove nothing");
}

/// As with `synchronous=NORMAL`: the log is synced before a checkpoint, not at a commit.
fn lost_as_normal(recording: &Recording, images: usize) -> usize {
    let operations = &recording.operations;
    lost(recording, images, |n| {
        let next = operations[n + 1..].iter().find(|next| !matches!(next, Operation::Acknowledged(_)));
        operations[n] != Operation::Synced(File::Log)
            || matches!(next, Some(Operation::Write { file: File::Database, .. }))
    })
}

/// Acknowledged requests that are missing, over all images. Only the operations that `happens`
/// has by their number are carried out.
fn lost(recording: &Recording, images: usize, happens: impl Fn(usize) -> bool) -> usize {
    let operations = &recording.operations;
    let mut random = StdRng::seed_from_u64(1);
    let mut cuts = moments(operations, images, &mut random);
    cuts.sort_unstable();
    let (mut disk, mut acknowledged, mut lost) = (Disk::with(&recording.before), Vec::new(), 0);
    let mut cuts = cuts.into_iter().enumerate().peekable();
    for (n, operation) in operations.iter().enumerate() {
        if happens(n) {
            disk.apply(operation);
        }
        if let Operation::Acknowledged(ids) = operation {
            acknowledged.extend(ids);
        }
        while let Some((image, _)) = cuts.next_if(|(_, cut)| *cut == n) {
            // A file of its own each: SQLite shares what it knows of a file within a process.
            let dir = TempDir::new().unwrap();
            disk.cut(dir.path(), &mut random);
            if image % OPENED_EVERY == 0 {
                sqlite::open(
                    &sqlite::path_in(dir.path()),
                    std::sync::Arc::new(|_| String::new()),
                    &sqlite::Watch::default(),
                )
                .unwrap()
                .writer
                .close();
            }
            let kept = kept(dir.path());
            lost += acknowledged.iter().filter(|id| !kept.contains(id.as_str())).count();
        }
    }
    lost
}

fn acknowledged_by(operation: &Operation) -> usize {
    if let Operation::Acknowledged(ids) = operation { ids.len() } else { 0 }
}

/// When the power goes: half of the moments anywhere, half while the database file is written.
fn moments(operations: &[Operation], images: usize, random: &mut StdRng) -> Vec<usize> {
    let is_database =
        |operation: &Operation| matches!(operation, Operation::Write { file: File::Database, .. });
    let checkpoints: Vec<usize> = (0..operations.len()).filter(|n| is_database(&operations[*n])).collect();
    let mut cuts = Vec::new();
    for image in 0..images {
        cuts.push(if image % 2 == 0 {
            random.random_range(0..operations.len())
        } else {
            checkpoints[random.random_range(0..checkpoints.len())]
        });
    }
    cuts
}

/// The ids of the requests on an image, which must be sound.
fn kept(dir: &Path) -> HashSet<String> {
    let database = rusqlite::Connection::open(dir.join(File::Database.name())).unwrap();
    let check: String = database.query_row("PRAGMA quick_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    let mut statement = database.prepare("SELECT 'req_' || lower(hex(id)) FROM job").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}
