//! People's passwords: argon2id with the OWASP parameters (19 MiB, 2 passes, 1 lane).

use std::sync::OnceLock;

use argon2::password_hash::PasswordHasher;
use argon2::{Argon2, PasswordVerifier};

use super::AccountError;

/// Characters of a password.
pub const PASSWORD_CHARS_MIN: usize = 12;

pub(super) fn hash(password: &str) -> Result<String, AccountError> {
    if password.chars().count() < PASSWORD_CHARS_MIN {
        return Err(AccountError::ShortPassword);
    }
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|phc| phc.to_string())
        .map_err(|reason| AccountError::Hashing(reason.to_string()))
}

/// Whether `password` is the one of this hash. Without a hash it is not, and takes as long.
pub(super) fn matches(password: &str, phc: Option<&str>) -> bool {
    static NOBODYS: OnceLock<String> = OnceLock::new();
    let nobodys = NOBODYS.get_or_init(|| hash("a password that nobody has").unwrap_or_default());
    let is_right = verify(password, phc.unwrap_or(nobodys));
    is_right && phc.is_some()
}

pub(super) fn verify(password: &str, phc: &str) -> bool {
    argon2::PasswordHash::new(phc)
        .is_ok_and(|phc| Argon2::default().verify_password(password.as_bytes(), &phc).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_password_opens_its_hash() {
        let phc = hash("correct horse battery").unwrap();
        assert!(phc.starts_with("$argon2id$"), "{phc}");
        assert!(verify("correct horse battery", &phc));
        assert!(!verify("correct horse batterY", &phc));
        assert!(!verify("correct horse battery", "garbage"));
        assert!(matches("correct horse battery", Some(&phc)) && !matches("wrong horse battery", Some(&phc)));
        assert!(!matches("a password that nobody has", None));
        assert!(matches!(hash("short"), Err(AccountError::ShortPassword)));
    }
}
