-- SHA-256 of everything that makes two requests equal; NULL: neither asks the cache nor fills it.
ALTER TABLE job ADD COLUMN cache_key BLOB CHECK (length(cache_key) = 32);
-- What a request that was answered from the cache would have cost.
ALTER TABLE job ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;

ALTER TABLE usage_window ADD COLUMN hits INTEGER NOT NULL DEFAULT 0;
ALTER TABLE usage_window ADD COLUMN saved INTEGER NOT NULL DEFAULT 0;

-- The answers that serve equal requests, oldest first by id: each is the result of the job that
-- brought it, and goes with it.
CREATE TABLE cache (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
    job_seq    INTEGER NOT NULL UNIQUE REFERENCES job (seq) ON DELETE CASCADE,
    bytes      INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

-- The sum of cache.bytes, so that nobody adds it up.
INSERT INTO setting (name, value) VALUES ('cache_bytes', 0);

CREATE TRIGGER cache_filled AFTER INSERT ON cache
BEGIN
    UPDATE setting SET value = value + new.bytes WHERE name = 'cache_bytes';
END;

CREATE TRIGGER cache_emptied AFTER DELETE ON cache
BEGIN
    UPDATE setting SET value = value - old.bytes WHERE name = 'cache_bytes';
END;
