//! Users' tags for the upstream: stable, and nobody outside can tell whose they are.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::domain::UserId;

/// Bytes of the digest that make a tag.
const TAG_BYTES: usize = 16;

/// The secret that turns a user into a tag.
#[derive(Clone)]
pub struct TagSecret([u8; 32]);

impl TagSecret {
    /// Wraps the data directory's secret.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// 32 hexadecimal digits, the same for the same user for ever.
    pub fn tag(&self, user: UserId) -> String {
        let digest = Sha256::new()
            .chain_update(b"upstream user tag")
            .chain_update(self.0)
            .chain_update(user.0.to_be_bytes())
            .finalize();
        hex::encode(&digest[..TAG_BYTES])
    }
}

impl fmt::Debug for TagSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagSecret(…)")
    }
}
