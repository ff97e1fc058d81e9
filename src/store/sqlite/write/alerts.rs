//! Alerts and the messages that tell of them.

use rusqlite::params;

use crate::domain::Timestamp;
use crate::domain::alert::{Alert, Told};
use crate::store::StoreError;
use crate::store::alerts::AlertSaved;
use crate::store::retention::{ALERT_MESSAGES_MAX, ALERTS_OVER_MAX};

use super::Batch;

impl Batch<'_> {
    pub(super) fn save_all_alerts(&mut self, saved: &[AlertSaved], at: Timestamp) -> Result<(), StoreError> {
        for one in saved {
            self.save_alert(&one.alert, one.told)?;
            let Some(turn) = one.tell else { continue };
            for channel in &one.channels {
                let mut statement = self.transaction.prepare_cached(
                    "INSERT INTO alert_message (alert_id, turn, channel, made_at, due_at) VALUES (?1, ?2, ?3, ?4, ?4)",
                )?;
                statement.execute(params![one.alert.id.0.as_slice(), turn.name(), channel.name(), at])?;
            }
        }
        self.forget_too_many()
    }

    fn save_alert(&self, alert: &Alert, told: Told) -> Result<(), StoreError> {
        if alert.resolved_at.is_none() {
            // One that an earlier server left standing and this one does not know of.
            self.transaction
                .prepare_cached(
                    "UPDATE alert SET resolved_at = ?2 WHERE key = ?1 AND resolved_at IS NULL AND id <> ?3",
                )?
                .execute(params![alert.key, alert.raised_at, alert.id.0.as_slice()])?;
        }
        let mut statement = self.transaction.prepare_cached(
            "INSERT INTO alert (id, key, kind, level, subject, message, value, threshold, raised_at, resolved_at,
                                told_at, is_heard)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
             ON CONFLICT (id) DO UPDATE SET level = excluded.level, message = excluded.message, value = excluded.value,
                 threshold = excluded.threshold, raised_at = excluded.raised_at, resolved_at = excluded.resolved_at,
                 told_at = excluded.told_at, is_heard = excluded.is_heard",
        )?;
        statement.execute(params![
            alert.id.0.as_slice(),
            alert.key,
            alert.kind.name(),
            alert.level.name(),
            alert.subject,
            alert.message,
            alert.value,
            alert.threshold,
            alert.raised_at,
            alert.resolved_at,
            told.at,
            told.is_heard
        ])?;
        Ok(())
    }

    /// What is too old goes with all else that is.
    fn forget_too_many(&self) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached(
                "DELETE FROM alert WHERE resolved_at IS NOT NULL AND id IN
                    (SELECT id FROM alert ORDER BY raised_at DESC LIMIT -1 OFFSET ?1)",
            )?
            .execute(params![ALERTS_OVER_MAX])?;
        self.transaction
            .prepare_cached(
                "DELETE FROM alert_message WHERE id IN
                    (SELECT id FROM alert_message ORDER BY id DESC LIMIT -1 OFFSET ?1)",
            )?
            .execute(params![ALERT_MESSAGES_MAX])?;
        Ok(())
    }

    pub(super) fn forget_alert_message(&mut self, id: i64) -> Result<(), StoreError> {
        self.transaction.prepare_cached("DELETE FROM alert_message WHERE id = ?1")?.execute(params![id])?;
        Ok(())
    }

    pub(super) fn delay_alert_message(&mut self, id: i64, due_at: Timestamp) -> Result<(), StoreError> {
        self.transaction
            .prepare_cached("UPDATE alert_message SET tries = tries + 1, due_at = ?2 WHERE id = ?1")?
            .execute(params![id, due_at])?;
        Ok(())
    }
}
