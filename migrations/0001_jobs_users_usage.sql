-- Times are milliseconds since the Unix epoch, UTC. Money is nano-dollars. States are the codes
-- of domain::job::JobState: 0 queued, 1 processing, 2 completed, 3 failed, 4 cancelled, 5 expired.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO setting (name, value) VALUES ('paused', 0), ('identity_epoch', 1);

CREATE TABLE user (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    tier        TEXT NOT NULL CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    tier_epoch  INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE api_key (
    id           TEXT PRIMARY KEY,
    user_id      INTEGER NOT NULL REFERENCES user (id),
    role         TEXT NOT NULL CHECK (role IN ('user', 'admin')),
    hash         BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    prefix       TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    last_used_at INTEGER,
    revoked_at   INTEGER
) STRICT;

CREATE INDEX api_key_user ON api_key (user_id);

-- A running server compares this number and forgets the callers it remembers.
CREATE TRIGGER user_changed AFTER UPDATE OF tier, disabled_at ON user
WHEN new.tier IS NOT old.tier OR new.disabled_at IS NOT old.disabled_at
BEGIN
    UPDATE setting SET value = value + 1 WHERE name = 'identity_epoch';
    UPDATE user SET tier_epoch = (SELECT value FROM setting WHERE name = 'identity_epoch') WHERE id = new.id;
END;

CREATE TRIGGER api_key_changed AFTER UPDATE OF revoked_at, expires_at ON api_key
BEGIN
    UPDATE setting SET value = value + 1 WHERE name = 'identity_epoch';
END;

-- Narrow: what is asked and what came out stand in tables of their own.
CREATE TABLE job (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
    user_id         INTEGER NOT NULL REFERENCES user (id),
    tier            TEXT NOT NULL,
    state           INTEGER NOT NULL CHECK (state BETWEEN 0 AND 5),
    run             INTEGER NOT NULL DEFAULT 0,
    strikes         INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    diagram_type    TEXT NOT NULL,
    max_tokens      INTEGER NOT NULL,
    model_asked     TEXT,
    estimated_input INTEGER NOT NULL,
    reserved        INTEGER NOT NULL,
    -- Whether its unit is charged: it is given back once, however often the job is tried again.
    charged         INTEGER NOT NULL DEFAULT 1,
    cached          INTEGER NOT NULL DEFAULT 0,
    lane            TEXT,
    provider        TEXT,
    model           TEXT,
    -- Sums over the job's ended calls; the calls themselves are in attempt.
    calls           INTEGER NOT NULL DEFAULT 0,
    input           INTEGER NOT NULL DEFAULT 0,
    output          INTEGER NOT NULL DEFAULT 0,
    cache_read      INTEGER NOT NULL DEFAULT 0,
    cache_write     INTEGER NOT NULL DEFAULT 0,
    cost            INTEGER NOT NULL DEFAULT 0,
    estimated       INTEGER NOT NULL DEFAULT 0,
    repaired        INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    started_at      INTEGER,
    ended_at        INTEGER,
    retry_at        INTEGER,
    deadline_at     INTEGER
) STRICT;

CREATE INDEX job_live ON job (user_id, seq) WHERE state IN (0, 1);
CREATE INDEX job_queued ON job (seq) WHERE state = 0;
CREATE INDEX job_running ON job (seq) WHERE state = 1;
CREATE INDEX job_user ON job (user_id, seq);
CREATE INDEX job_created ON job (created_at);
CREATE INDEX job_ended ON job (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE job_body (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    brief   TEXT NOT NULL
) STRICT;

CREATE TABLE job_result (
    job_seq    INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    source     TEXT,
    title      TEXT,
    validation TEXT,
    failure    TEXT
) STRICT;

-- One row a call, written before the call (the intent), completed after it. Rows of ended jobs
-- stay as long as their job: they are the ledger of usage.
CREATE TABLE attempt (
    id               INTEGER PRIMARY KEY,
    job_seq          INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    run              INTEGER NOT NULL,
    lane             TEXT NOT NULL,
    model            TEXT NOT NULL,
    claimed_at       INTEGER NOT NULL,
    sent_at          INTEGER,
    ended_at         INTEGER,
    estimated_input  INTEGER NOT NULL,
    estimated_output INTEGER NOT NULL,
    input            INTEGER NOT NULL DEFAULT 0,
    output           INTEGER NOT NULL DEFAULT 0,
    cache_read       INTEGER NOT NULL DEFAULT 0,
    cache_write      INTEGER NOT NULL DEFAULT 0,
    cost             INTEGER NOT NULL DEFAULT 0,
    estimated        INTEGER NOT NULL DEFAULT 0,
    lost             INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job_seq, run)
) STRICT;

CREATE INDEX attempt_open ON attempt (id) WHERE ended_at IS NULL;
CREATE INDEX attempt_ended ON attempt (ended_at) WHERE ended_at IS NOT NULL;

-- Units charged. kind: 0 hour, 1 day; start is the window's first instant.
CREATE TABLE request_window (
    user_id INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    used    INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (user_id, kind, start)
) STRICT, WITHOUT ROWID;

-- Tokens and money. kind: 0 hour, 1 day, 2 month; start is the window's first instant.
CREATE TABLE usage_window (
    user_id     INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    input       INTEGER NOT NULL DEFAULT 0,
    output      INTEGER NOT NULL DEFAULT 0,
    cache_read  INTEGER NOT NULL DEFAULT 0,
    cache_write INTEGER NOT NULL DEFAULT 0,
    cost        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, kind, start)
) STRICT, WITHOUT ROWID;

-- Money held for a user's jobs that wait or run.
CREATE TABLE held (
    user_id INTEGER PRIMARY KEY,
    amount  INTEGER NOT NULL
) STRICT;

CREATE TABLE idempotency (
    user_id    INTEGER NOT NULL,
    key        TEXT NOT NULL,
    body_hash  BLOB NOT NULL,
    job_id     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_age ON idempotency (created_at);
