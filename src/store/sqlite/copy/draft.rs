//! The file that becomes a copy: beside its place, ours alone, and gone again unless it is finished.

use std::ffi::OsStr;
use std::fs::{File, Metadata, OpenOptions, Permissions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{OFlags, statvfs};

use super::CopyError;
use crate::store::StoreError;

/// Readable and writable by its owner only: there are prompts and hashes of keys in it.
const MODE: u32 = 0o600;
/// Bytes that a copy leaves free where it goes: a server that writes to the same disk must be able
/// to go on.
const ROOM_LEFT: u64 = 64 << 20;

/// How often a name is tried whose file went to another name meanwhile.
const TRIES: u32 = 100;

/// Removed when dropped, unless [`Draft::finish`] was called.
pub(super) struct Draft {
    path: PathBuf,
    target: PathBuf,
    /// Locked: another one that wants to write the same copy is refused.
    file: File,
    replace: bool,
    finished: bool,
}

impl Draft {
    /// Takes the place beside `target`; what a killed one left there is written over.
    pub(super) fn begin(source: &Path, target: &Path, replace: bool) -> Result<Self, CopyError> {
        let path = beside(target, ".partial")?;
        refuse_unfit(source, target, replace)?;
        let Some(file) = locked(&path)? else {
            return Err(CopyError::Target(format!(
                "another diagramd is writing {} just now; wait for it, or name another file",
                target.display()
            )));
        };
        // One that was being written a moment ago may stand there by now.
        refuse_unfit(source, target, replace)?;
        let draft = Self { path, target: target.to_owned(), file, replace, finished: false };
        let emptied =
            draft.file.set_permissions(Permissions::from_mode(MODE)).and_then(|()| draft.file.set_len(0));
        emptied.map_err(|reason| cannot_write(&draft.path, &reason))?;
        Ok(draft)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a copy of so many bytes when the disk would be full after it.
    pub(super) fn check_room(&self, bytes: u64) -> Result<(), CopyError> {
        let place = directory(&self.target);
        let room = statvfs(place).map_err(|reason| cannot_write(place, &reason.into()))?;
        let free = room.f_bavail.saturating_mul(room.f_frsize);
        let needed = bytes.saturating_add(ROOM_LEFT);
        if free < needed {
            return Err(CopyError::NoRoom { place: place.display().to_string(), free, needed });
        }
        Ok(())
    }

    /// Puts what was written so far on disk.
    pub(super) fn sync(&self) -> Result<(), CopyError> {
        self.file.sync_data().map_err(|reason| cannot_write(&self.path, &reason))
    }

    /// Puts it on disk and in its place, for good. Returns its size in bytes.
    pub(super) fn finish(mut self) -> Result<u64, CopyError> {
        let bytes = self.file.sync_all().and_then(|()| self.file.metadata());
        let bytes = bytes.map_err(|reason| cannot_write(&self.path, &reason))?.len();
        // Somebody may have put a file there meanwhile.
        refuse_taken(&self.target, self.replace)?;
        std::fs::rename(&self.path, &self.target).map_err(|reason| cannot_write(&self.target, &reason))?;
        self.finished = true;
        sync_directory(&self.target).map_err(|reason| cannot_write(&self.target, &reason))?;
        Ok(bytes)
    }
}

/// Opens and locks the file of this name; `None` when another holds it. What is locked is what the name
/// leads to: whoever held it before may have given it its last name between the two, and then this
/// would be the other's finished copy.
fn locked(path: &Path) -> Result<Option<File>, CopyError> {
    // A link that somebody laid there leads elsewhere.
    let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
    for _ in 0..TRIES {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(MODE)
            .custom_flags(no_link)
            .open(path)
            .map_err(|reason| cannot_write(path, &reason))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(reason)) => return Err(cannot_write(path, &reason)),
        }
        let held = file.metadata().map_err(|reason| cannot_write(path, &reason))?;
        if std::fs::symlink_metadata(path).is_ok_and(|named| is_same(&named, &held)) {
            return Ok(Some(file));
        }
    }
    Ok(None)
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

impl Drop for Draft {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        if let Err(reason) = std::fs::remove_file(&self.path) {
            tracing::warn!(%reason, file = %self.path.display(), "a half-made copy could not be removed");
        }
    }
}

/// Puts a change of names in `file`'s directory on disk.
pub(in crate::store::sqlite) fn sync_directory(file: &Path) -> io::Result<()> {
    File::open(directory(file))?.sync_all()
}

/// The name of `file` with `ending` after it.
pub(in crate::store::sqlite) fn with_ending(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn beside(target: &Path, ending: &str) -> Result<PathBuf, CopyError> {
    match target.file_name() {
        Some(name) if name != OsStr::new("") => Ok(with_ending(target, ending)),
        _ => Err(CopyError::Target(format!("{} is no name of a file", target.display()))),
    }
}

fn directory(file: &Path) -> &Path {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// What can never be a copy's place.
fn refuse_unfit(source: &Path, target: &Path, replace: bool) -> Result<(), CopyError> {
    let place = directory(target);
    if !place.is_dir() {
        return Err(CopyError::Target(format!(
            "there is no directory {}; make it, or name another file",
            place.display()
        )));
    }
    if target.is_dir() {
        return Err(CopyError::Target(format!("{} is a directory; name a file in it", target.display())));
    }
    if let (Ok(from), Ok(to)) = (std::fs::metadata(source), std::fs::metadata(target))
        && is_same(&from, &to)
    {
        return Err(CopyError::Target(format!(
            "{} is the database itself; name another file",
            target.display()
        )));
    }
    refuse_taken(target, replace)
}

/// A file that is there is replaced on demand only, and a database that is in use never: its log
/// would be read into the copy.
fn refuse_taken(target: &Path, replace: bool) -> Result<(), CopyError> {
    if with_ending(target, "-wal").exists() {
        return Err(CopyError::Target(format!(
            "{} is a database in use (there is a log {0}-wal beside it); name another file",
            target.display()
        )));
    }
    // Whoever opened the copy would take it for the copy's own, and roll its pages back into it.
    if with_ending(target, "-journal").exists() {
        return Err(CopyError::Target(format!(
            "there is a journal {}-journal of a database that was there before; remove it, or name another file",
            target.display()
        )));
    }
    if !replace && target.symlink_metadata().is_ok() {
        return Err(CopyError::Target(format!(
            "{} is there already; name another file, or let it be replaced with --force",
            target.display()
        )));
    }
    Ok(())
}

fn cannot_write(path: &Path, reason: &io::Error) -> CopyError {
    let sentence = format!("{} cannot be written: {reason}", path.display());
    match reason.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full(sentence).into(),
        _ => CopyError::Target(sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_copy_is_written_by_one_at_a_time_and_leaves_nothing_unless_it_is_finished() {
        let dir = tempfile::TempDir::new().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("target"));
        std::fs::write(&source, "s").unwrap();
        let begin = || Draft::begin(&source, &target, false);
        let first = begin().unwrap();
        let second = begin().err().unwrap().to_string();
        assert!(second.contains("another diagramd is writing"), "{second}");
        drop(first);
        assert!(!dir.path().join("target.partial").exists());
        let third = begin().unwrap();
        std::fs::write(third.path(), "whole").unwrap();
        assert_eq!(third.finish().unwrap(), 5);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "whole");
        assert!(begin().err().unwrap().to_string().contains("is there already"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn copies_to_the_same_file_at_once_end_whole_or_are_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("target"));
        std::fs::write(&source, "s").unwrap();
        let whole = "whole".repeat(1000);
        let refused = std::sync::atomic::AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..300 {
                        let made = Draft::begin(&source, &target, true).and_then(|draft| {
                            std::fs::write(draft.path(), &whole).unwrap();
                            draft.finish()
                        });
                        match made {
                            Ok(bytes) => assert_eq!(bytes, 5000),
                            Err(reason) => {
                                assert!(reason.to_string().contains("is writing"), "{reason}");
                                refused.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                            }
                        }
                        if let Ok(there) = std::fs::read_to_string(&target) {
                            assert_eq!(there.len(), 5000, "nobody writes into what another has finished");
                        }
                    }
                });
            }
        });
        println!("{} of 2400 were refused", refused.into_inner());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[test]
    fn no_link_is_followed_wherever_it_leads() {
        let dir = tempfile::TempDir::new().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("target"));
        let (aim, partial) = (dir.path().join("aim"), dir.path().join("target.partial"));
        std::fs::write(&source, "s").unwrap();
        std::os::unix::fs::symlink(&aim, &partial).unwrap();
        // One that leads nowhere would make a file there, one that leads to a file would empty that.
        let refused = Draft::begin(&source, &target, true).err().unwrap().to_string();
        assert!(refused.contains("target.partial cannot be written"), "{refused}");
        assert!(!aim.exists());
        std::fs::write(&aim, "somebody's").unwrap();
        assert!(Draft::begin(&source, &target, true).is_err());
        assert_eq!(std::fs::read_to_string(&aim).unwrap(), "somebody's");
        assert!(partial.symlink_metadata().unwrap().is_symlink(), "nor is it taken away");
    }

    #[test]
    fn a_journal_that_a_crash_left_is_never_taken_for_the_copys_own() {
        let dir = tempfile::TempDir::new().unwrap();
        let (source, target) = (dir.path().join("source"), dir.path().join("target"));
        std::fs::write(dir.path().join("target-journal"), "old pages").unwrap();
        let refused = Draft::begin(&source, &target, true).err().unwrap().to_string();
        assert!(refused.contains("target-journal of a database that was there before"), "{refused}");
    }

    #[test]
    fn a_copy_that_would_fill_the_disk_is_refused_with_both_figures() {
        let dir = tempfile::TempDir::new().unwrap();
        let source = dir.path().join("source");
        let draft = Draft::begin(&source, &dir.path().join("target"), false).unwrap();
        draft.check_room(1).unwrap();
        let refused = draft.check_room(1 << 60).unwrap_err();
        assert!(matches!(refused, CopyError::NoRoom { needed, free, .. } if needed > 1 << 60 && free > 0));
        assert!(refused.to_string().contains("MiB free and the copy needs 1099511627840 MiB"), "{refused}");
    }
}
