-- Where a user's application hears of ends, and the secrets that sign what it is sent. A secret is
-- kept as it is: whoever signs needs it. shown: whether its owner has seen the present one.
CREATE TABLE webhook (
    user_id           INTEGER PRIMARY KEY REFERENCES user (id),
    url               TEXT,
    secret            BLOB NOT NULL CHECK (length(secret) BETWEEN 24 AND 64),
    secret_created_at INTEGER NOT NULL,
    shown             INTEGER NOT NULL DEFAULT 0,
    previous_secret   BLOB CHECK (length(previous_secret) BETWEEN 24 AND 64),
    previous_until    INTEGER,
    -- The receiver said that it is gone; nothing is sent to url until it is set again.
    disabled_at       INTEGER,
    CHECK ((previous_secret IS NULL) = (previous_until IS NULL))
) STRICT;

-- Where the end of one job is told, when the request itself says so.
CREATE TABLE job_webhook (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    url     TEXT NOT NULL
) STRICT;

-- The outbox: one row an end, written in the transaction of the end. It outlives its job.
-- state: 0 waits, 1 taken, 2 given up. kind: the state in which the job ended, 6 a test.
CREATE TABLE webhook_delivery (
    seq          INTEGER PRIMARY KEY AUTOINCREMENT,
    id           BLOB UNIQUE CHECK (length(id) = 16),
    user_id      INTEGER NOT NULL REFERENCES user (id),
    job_id       BLOB CHECK (length(job_id) = 16),
    kind         INTEGER NOT NULL CHECK (kind BETWEEN 2 AND 6),
    -- NULL: the user's own address, as it is when the message is sent.
    url          TEXT,
    state        INTEGER NOT NULL DEFAULT 0 CHECK (state IN (0, 1, 2)),
    -- Tries of the present schedule, and all there ever were.
    tries        INTEGER NOT NULL DEFAULT 0,
    attempts     INTEGER NOT NULL DEFAULT 0,
    created_at   INTEGER NOT NULL,
    -- When the present schedule began: the end, or when somebody asked for it again.
    since        INTEGER NOT NULL,
    next_at      INTEGER,
    attempted_at INTEGER,
    ended_at     INTEGER,
    status       INTEGER,
    error        TEXT,
    CHECK ((state = 0) = (next_at IS NOT NULL)),
    CHECK ((state = 0) = (ended_at IS NULL))
) STRICT;

CREATE INDEX webhook_delivery_waiting ON webhook_delivery (seq) WHERE state = 0;
CREATE INDEX webhook_delivery_user ON webhook_delivery (user_id, seq);
CREATE INDEX webhook_delivery_failed ON webhook_delivery (seq) WHERE state = 2;
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;

-- What is sent, byte by byte: the same in every try.
CREATE TABLE webhook_body (
    delivery_seq INTEGER PRIMARY KEY REFERENCES webhook_delivery (seq) ON DELETE CASCADE,
    body         TEXT NOT NULL
) STRICT;

-- How many wait, so that nobody counts them: of one user, and of all in setting.
CREATE TABLE webhook_waiting (
    user_id INTEGER PRIMARY KEY,
    count   INTEGER NOT NULL
) STRICT;

INSERT INTO setting (name, value) VALUES ('webhooks_waiting', 0);

CREATE TRIGGER webhook_waits AFTER INSERT ON webhook_delivery WHEN new.state = 0
BEGIN
    INSERT INTO webhook_waiting (user_id, count) VALUES (new.user_id, 1)
        ON CONFLICT (user_id) DO UPDATE SET count = count + 1;
    UPDATE setting SET value = value + 1 WHERE name = 'webhooks_waiting';
END;

CREATE TRIGGER webhook_waits_no_more AFTER UPDATE OF state ON webhook_delivery
WHEN old.state = 0 AND new.state <> 0
BEGIN
    UPDATE webhook_waiting SET count = count - 1 WHERE user_id = new.user_id;
    UPDATE setting SET value = value - 1 WHERE name = 'webhooks_waiting';
END;

CREATE TRIGGER webhook_waits_again AFTER UPDATE OF state ON webhook_delivery
WHEN old.state <> 0 AND new.state = 0
BEGIN
    INSERT INTO webhook_waiting (user_id, count) VALUES (new.user_id, 1)
        ON CONFLICT (user_id) DO UPDATE SET count = count + 1;
    UPDATE setting SET value = value + 1 WHERE name = 'webhooks_waiting';
END;

CREATE TRIGGER webhook_forgotten AFTER DELETE ON webhook_delivery WHEN old.state = 0
BEGIN
    UPDATE webhook_waiting SET count = count - 1 WHERE user_id = old.user_id;
    UPDATE setting SET value = value - 1 WHERE name = 'webhooks_waiting';
END;
