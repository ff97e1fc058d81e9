//! Deleting what is too old, each by its key. Whether it is too old is asked again: it was found
//! before this transaction, and may be another by now.

use rusqlite::params;

use crate::store::StoreError;
use crate::store::retention::{Ages, Stale};

use super::Batch;

impl Batch<'_> {
    /// Returns how many are gone.
    pub(super) fn delete_stale(&mut self, stale: &[Stale], ages: &Ages) -> Result<u32, StoreError> {
        stale.iter().try_fold(0, |gone: u32, one| Ok(gone.saturating_add(self.delete(one, ages)?)))
    }

    fn delete(&self, stale: &Stale, ages: &Ages) -> Result<u32, StoreError> {
        let delete = |sql: &str, parameters: &[&dyn rusqlite::ToSql]| {
            self.transaction.prepare_cached(sql)?.execute(parameters)
        };
        let deleted = match stale {
            // An operator may have it tried again.
            Stale::Request(seq) => delete(
                "DELETE FROM job WHERE seq = ?1 AND ended_at IS NOT NULL AND ended_at < ?2
                     AND NOT EXISTS (SELECT 1 FROM attempt WHERE job_seq = ?1 AND (ended_at IS NULL OR ended_at >= ?3))",
                params![seq, ages.requests, ages.calls],
            ),
            // Somebody may have asked for it again.
            Stale::Message(seq) => delete(
                "DELETE FROM webhook_delivery WHERE seq = ?1 AND ended_at IS NOT NULL AND ended_at < ?2",
                params![seq, ages.messages],
            ),
            // The key may stand for another request.
            Stale::Idempotency(user, key) => delete(
                "DELETE FROM idempotency WHERE user_id = ?1 AND key = ?2 AND created_at <= ?3",
                params![user, key, ages.idempotency],
            ),
            Stale::Units(user, kind, start) => delete(
                "DELETE FROM request_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
                params![user, kind, start],
            ),
            Stale::Usage(user, kind, start) => delete(
                "DELETE FROM usage_window WHERE user_id = ?1 AND kind = ?2 AND start = ?3",
                params![user, kind, start],
            ),
            Stale::Session(id) => {
                delete("DELETE FROM session WHERE hash = ?1 AND expires_at <= ?2", params![id, ages.sessions])
            }
            Stale::Alert(id) => delete(
                "DELETE FROM alert WHERE id = ?1 AND resolved_at < ?2",
                params![id.0.as_slice(), ages.alerts],
            ),
            // A dead key stays dead.
            Stale::ApiKey(id) => delete("DELETE FROM api_key WHERE id = ?1", params![id.0]),
        };
        Ok(u32::try_from(deleted?).unwrap_or(u32::MAX))
    }
}
