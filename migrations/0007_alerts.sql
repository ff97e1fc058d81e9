-- What the operator was alerted to. At most one alert of a key stands; what is over stays for a while,
-- so that a restart neither forgets nor repeats it.
CREATE TABLE alert (
    id          BLOB PRIMARY KEY CHECK (length(id) = 16),
    key         TEXT NOT NULL,
    kind        TEXT NOT NULL,
    level       TEXT NOT NULL CHECK (level IN ('warning', 'critical')),
    subject     TEXT NOT NULL,
    message     TEXT NOT NULL,
    value       REAL,
    threshold   REAL,
    raised_at   INTEGER NOT NULL,
    resolved_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX alert_standing ON alert (key) WHERE resolved_at IS NULL;
CREATE INDEX alert_raised ON alert (raised_at);

-- Messages on their way to the operator; a row goes when its message was taken, or given up.
CREATE TABLE alert_message (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    turn     TEXT NOT NULL CHECK (turn IN ('raised', 'resolved')),
    channel  TEXT NOT NULL CHECK (channel IN ('webhook', 'email')),
    tries    INTEGER NOT NULL DEFAULT 0,
    made_at  INTEGER NOT NULL,
    due_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX alert_message_due ON alert_message (due_at);
