//! What a key looks like: `dgd_`, 40 random letters and digits, and a checksum of six, so that
//! a mistyped key is told from a wrong one without asking the database.

use rand::RngExt;
use sha2::{Digest, Sha256};

/// Every key begins with this; secret scanners look for it.
pub const KEY_PREFIX: &str = "dgd_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// 40 of 62 letters are 238 random bits.
const RANDOM_CHARS: usize = 40;
const CHECKSUM_CHARS: usize = 6;
/// Characters kept in clear, for recognising a key in a list.
const SHOWN_CHARS: usize = 12;

/// A new random key.
pub(super) fn generate() -> String {
    let mut rng = rand::rng();
    let random: String =
        (0..RANDOM_CHARS).map(|_| char::from(ALPHABET[rng.random_range(0..ALPHABET.len())])).collect();
    let sum = checksum(&random);
    format!("{KEY_PREFIX}{random}{sum}")
}

/// Whether `text` has a key's form and its checksum is right.
pub fn looks_like_key(text: &str) -> bool {
    let Some(body) = text.strip_prefix(KEY_PREFIX) else { return false };
    if body.len() != RANDOM_CHARS + CHECKSUM_CHARS || !body.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (random, sum) = body.split_at(RANDOM_CHARS);
    checksum(random) == sum
}

/// What is stored of a key.
pub(super) fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What is shown of a key.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn checksum(random: &str) -> String {
    let mut rest = usize::try_from(crc32fast::hash(random.as_bytes())).unwrap_or(0);
    let mut digits = [b'0'; CHECKSUM_CHARS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET[rest % ALPHABET.len()];
        rest /= ALPHABET.len();
    }
    digits.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_check_themselves() {
        let key = generate();
        assert!(looks_like_key(&key), "{key}");
        let mut wrong = key.clone();
        let last = wrong.pop().unwrap();
        wrong.push(if last == 'a' { 'b' } else { 'a' });
        assert!(!looks_like_key(&wrong));
        assert!(!looks_like_key("dgd_"));
        assert!(!looks_like_key(&format!("dgd_{}", "é".repeat(23))));
        assert_ne!(generate(), generate());
    }
}
