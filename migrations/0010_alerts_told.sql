-- What the operator knows of an alert: when its beginning was last told, and whether the last that was told
-- is that it stands.
ALTER TABLE alert ADD COLUMN told_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE alert ADD COLUMN is_heard INTEGER NOT NULL DEFAULT 0;
UPDATE alert SET told_at = raised_at, is_heard = resolved_at IS NULL;
