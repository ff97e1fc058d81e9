//! A disk that keeps what was synced, and anything or nothing of what was not.

use std::collections::BTreeMap;
use std::path::Path;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use crate::syscalls::{File, Operation};

/// What a disk writes at once: a torn write tears between two of these.
const SECTOR_BYTES: usize = 512;

/// What is on the disk for certain, and what may be.
pub struct Disk<'a> {
    durable: BTreeMap<File, Vec<u8>>,
    pending: Vec<&'a Operation>,
}

impl<'a> Disk<'a> {
    /// A disk with a database.
    pub fn with(database: &[u8]) -> Self {
        Self { durable: BTreeMap::from([(File::Database, database.to_vec())]), pending: Vec::new() }
    }

    /// The next operation happens.
    pub fn apply(&mut self, operation: &'a Operation) {
        match operation {
            Operation::Synced(synced) => {
                let (now, later): (Vec<_>, Vec<_>) =
                    self.pending.drain(..).partition(|pending| file_of(pending) == Some(*synced));
                self.pending = later;
                now.into_iter().for_each(|write| carry_out(&mut self.durable, write));
            }
            Operation::Write { .. } | Operation::Truncate { .. } => self.pending.push(operation),
            Operation::Acknowledged(_) => {}
        }
    }

    /// The power goes, and what is left lies in the empty directory `into`: of what was not synced, any part in any order is there.
    pub fn cut(&self, into: &Path, random: &mut StdRng) {
        let mut files = self.durable.clone();
        let mut pending = self.pending.clone();
        if random.random_bool(0.5) {
            pending.shuffle(random);
        }
        for operation in pending {
            match random.random_range(0..3) {
                0 => {}
                1 => carry_out(&mut files, operation),
                _ => tear(&mut files, operation, random),
            }
        }
        for file in File::ALL {
            if let Some(contents) = files.get(&file) {
                std::fs::write(into.join(file.name()), contents).unwrap();
            }
        }
    }
}

fn file_of(operation: &Operation) -> Option<File> {
    match operation {
        Operation::Write { file, .. } | Operation::Truncate { file, .. } | Operation::Synced(file) => {
            Some(*file)
        }
        Operation::Acknowledged(_) => None,
    }
}

fn carry_out(files: &mut BTreeMap<File, Vec<u8>>, operation: &Operation) {
    match operation {
        Operation::Write { file, offset, data } => put(files.entry(*file).or_default(), *offset, data),
        Operation::Truncate { file, length } => files.entry(*file).or_default().resize(*length, 0),
        Operation::Synced(_) | Operation::Acknowledged(_) => {}
    }
}

/// Some sectors of a write, each with even odds.
fn tear(files: &mut BTreeMap<File, Vec<u8>>, operation: &Operation, random: &mut impl Rng) {
    let Operation::Write { file, offset, data } = operation else { return };
    for (n, sector) in data.chunks(SECTOR_BYTES).enumerate() {
        if random.random_bool(0.5) {
            put(files.entry(*file).or_default(), offset + n * SECTOR_BYTES, sector);
        }
    }
}

fn put(contents: &mut Vec<u8>, offset: usize, data: &[u8]) {
    let end = offset + data.len();
    if contents.len() < end {
        contents.resize(end, 0);
    }
    contents[offset..end].copy_from_slice(data);
}
