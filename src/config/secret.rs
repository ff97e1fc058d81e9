//! Secrets: a value that no formatter prints, read from the file itself, from a file of its own,
//! or from a variable.

use std::fmt;
use std::path::Path;

use super::reader::Section;

/// A secret. `Debug` shows dots; there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, to be put on the wire and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("•••")
    }
}

/// A file name without a directory that is this long may be a secret in the wrong place.
const SECRET_CHARS_LIKELY: usize = 20;
/// The largest secret or key file, in bytes.
const SECRET_BYTES_MAX: usize = 64 * 1024;

/// The secret `key`: its value, the contents of the file `key_file` names, or the variable
/// `key_env` names. Two at once is a fault. `None` when none is set, or on a fault.
pub(super) fn read(section: &Section<'_>, key: &str) -> Option<Secret> {
    let (file_key, env_key) = (format!("{key}_file"), format!("{key}_env"));
    let keys = [key, file_key.as_str(), env_key.as_str()];
    let set: Vec<&str> = keys.into_iter().filter(|key| section.is_set(key)).collect();
    if set.len() > 1 {
        let places = keys.join(", ");
        section
            .fault(set[0], format!("is set together with {}; keep one of {places}", set[1..].join(" and ")));
        return None;
    }
    let text = match set.first() {
        Some(set) if *set == file_key => return file(section, &file_key),
        Some(set) if *set == env_key => variable(section, &env_key)?,
        Some(_) => section.secret_text(key)?,
        None => return None,
    };
    Some(Secret(text))
}

fn variable(section: &Section<'_>, key: &str) -> Option<String> {
    let name = section.text(key, "");
    match section.pass.environment.get(&name).map(|value| value.trim_end_matches(['\r', '\n'])) {
        Some(value) if !value.is_empty() => Some(value.to_owned()),
        _ => {
            // Who puts the secret itself here must not find it in a log.
            let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            section.fault(
                key,
                if name.chars().all(is_name) {
                    format!("the environment variable {name:?} is not set; set it or name another")
                } else {
                    "the environment variable that it names is not set; write a variable's name here, never the secret itself".to_owned()
                },
            );
            None
        }
    }
}

/// The secret in the file that `key` names, without trailing newlines. A file that everybody may
/// read gives a warning.
pub(super) fn file(section: &Section<'_>, key: &str) -> Option<Secret> {
    let path = section.text(key, "");
    // Who puts the secret itself here must not find it in a log.
    if path.len() >= SECRET_CHARS_LIKELY && !path.contains('/') && !Path::new(&path).exists() {
        section.fault(key, "names no file that is there; write a file's path here, never the secret itself");
        return None;
    }
    let text = public_file(section, key)?;
    if is_world_readable(Path::new(&path)) {
        section.warn(key, format!("every user of this machine may read {path}; run `chmod 600 {path}`"));
    }
    Some(Secret(text))
}

/// The text of the file that `key` names, without trailing newlines; not a secret.
pub(super) fn public_file(section: &Section<'_>, key: &str) -> Option<String> {
    section.parsed(key, |path| contents(Path::new(path)))
}

fn contents(path: &Path) -> Result<String, String> {
    let bytes = std::fs::read(path).map_err(|error| format!("cannot be read: {error}"))?;
    if bytes.len() > SECRET_BYTES_MAX {
        return Err(format!("has more than {SECRET_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| "is not UTF-8 text".to_owned())?;
    match text.trim_end_matches(['\r', '\n']) {
        "" => Err("is empty".to_owned()),
        text => Ok(text.to_owned()),
    }
}

fn is_world_readable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o004 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
