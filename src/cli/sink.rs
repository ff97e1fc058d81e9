//! Where a verb writes a table or a document: standard output, or a new file that is there only when
//! it is whole.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

/// As what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Csv,
    Json,
}

#[derive(Args, Debug)]
pub(super) struct Sink {
    /// Write into this file, which is there when it is whole [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

impl Sink {
    /// Hands `write` the place to write to. A file is readable by its owner only.
    pub(super) fn write(
        &self,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        match &self.output {
            None => {
                let mut out = BufWriter::new(io::stdout().lock());
                write(&mut out)?;
                Ok(out.flush()?)
            }
            Some(file) => self.write_file(file, write),
        }
    }

    fn write_file(
        &self,
        file: &Path,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.refuse_taken(file)?;
        let failed = || format!("{} cannot be written", file.display());
        let (Some(place), Some(name)) = (file.parent(), file.file_name()) else {
            bail!("{} is no name of a file", file.display());
        };
        let place = if place.as_os_str().is_empty() { Path::new(".") } else { place };
        // A name of its own: two at once do not write into each other's, and it goes unless it is
        // finished.
        let draft = tempfile::Builder::new()
            .prefix(&format!(".{}.", name.to_string_lossy()))
            .suffix(".partial")
            .permissions(Permissions::from_mode(0o600))
            .tempfile_in(place)
            .with_context(failed)?;
        let mut out = BufWriter::new(draft);
        write(&mut out)?;
        let draft = out.into_inner().map_err(io::IntoInnerError::into_error).with_context(failed)?;
        draft.as_file().sync_all().with_context(failed)?;
        self.refuse_taken(file)?;
        self.name(draft, file).with_context(failed)
    }

    /// A link is itself replaced and not what it leads to.
    fn name(&self, draft: NamedTempFile, file: &Path) -> io::Result<()> {
        let named = if self.force { draft.persist(file) } else { draft.persist_noclobber(file) };
        named.map(drop).map_err(|refused| refused.error)
    }

    fn refuse_taken(&self, file: &Path) -> anyhow::Result<()> {
        let Ok(there) = file.symlink_metadata() else { return Ok(()) };
        let kind = there.file_type();
        if kind.is_dir() {
            bail!("{} is a directory; name a file in it", file.display());
        }
        if !kind.is_file() && !kind.is_symlink() {
            bail!("{} is no file; leave out --output and redirect standard output", file.display());
        }
        if !self.force {
            bail!(
                "{} is there already; name another file, or let it be replaced with --force",
                file.display()
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(file: &Path, force: bool, text: &str) -> anyhow::Result<()> {
        let sink = Sink { output: Some(file.to_owned()), force };
        sink.write(|out| Ok(out.write_all(text.as_bytes())?))
    }

    #[test]
    fn what_is_there_is_replaced_on_demand_only_and_a_link_leads_nowhere() {
        let dir = tempfile::TempDir::new().unwrap();
        let (file, link, aim) = (dir.path().join("file"), dir.path().join("link"), dir.path().join("aim"));
        write(&file, false, "one").unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(write(&file, false, "two").unwrap_err().to_string().contains("--force"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "one");
        write(&file, true, "two").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "two");

        std::fs::write(&aim, "somebody's").unwrap();
        std::os::unix::fs::symlink(&aim, &link).unwrap();
        assert!(write(&link, false, "three").is_err());
        write(&link, true, "three").unwrap();
        assert_eq!(std::fs::read_to_string(&aim).unwrap(), "somebody's");
        assert_eq!(std::fs::read_to_string(&link).unwrap(), "three");
        assert!(link.symlink_metadata().unwrap().is_file());
        assert!(write(dir.path(), true, "x").unwrap_err().to_string().contains("is a directory"));
        assert!(write(Path::new("/dev/null"), true, "x").unwrap_err().to_string().contains("is no file"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "nothing is left of a draft");
    }

    #[test]
    fn what_fails_halfway_leaves_nothing_and_changes_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "before").unwrap();
        let sink = Sink { output: Some(file.clone()), force: true };
        let failed = sink.write(|out| {
            out.write_all(&[b'x'; 100_000])?;
            bail!("the database went away")
        });
        assert!(failed.unwrap_err().to_string().contains("went away"));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "before");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
