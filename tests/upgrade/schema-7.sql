-- {"user": "dgd_Bo9pzX5e35NUj5A8hmul7m88MKcl0tlV3LiWtVp921B5vr", "admin": "dgd_2xUC4en0xL3szFkRiYeEu0gyiSq4cpwNgzDCbxKc4KtA35", "completed": {"req_ed99350ac456387cc5a7b084acec91a2": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 0 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_108c52a91639c8652ca048a4801f4c56": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 1 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_8d0a09ca1799f17bc17d573a2ac9c4ef": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 2 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}"}, "live": ["req_e7413d57f854ee34e59e8f6d9974ddca", "req_00cd3ecae5f12755c452b44bab9ceeda", "req_7d5403549343ba1746f47f8046308eda", "req_ecaa2e3f917ce4f522d22b3e0ae92a14", "req_f9b82e8288078176c99fbbe213e4688b", "req_10d5ddaeeba705b1677866ce340aa514"], "cancelled": "req_29f51e8508c214a36bffcfc77e5e1a53", "used": 9}
-- Written by tests/upgrade/make; never changed.
BEGIN TRANSACTION;
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
CREATE TABLE alert_message (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    alert_id BLOB NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    turn     TEXT NOT NULL CHECK (turn IN ('raised', 'resolved')),
    channel  TEXT NOT NULL CHECK (channel IN ('webhook', 'email')),
    tries    INTEGER NOT NULL DEFAULT 0,
    made_at  INTEGER NOT NULL,
    due_at   INTEGER NOT NULL
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
INSERT INTO "api_key" VALUES('key_876b71cf52420207',1,'user',X'EB5AC0413821B26D4590881C4F94310D30DAB8AEDF1DA957EE79712930B9B7F0','dgd_Bo9pzX5e',1795569585702,NULL,1795569585748,NULL);
INSERT INTO "api_key" VALUES('key_82b5940a55ae0df5',2,'admin',X'B47F97BD1AA44DC137B68300857DDD331BCD231444F4D7781B83EF6A8B4D5A4E','dgd_2xUC4en0',1795569585718,NULL,NULL,NULL);
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
    lost             INTEGER NOT NULL DEFAULT 0, repair INTEGER NOT NULL DEFAULT 0,
    UNIQUE (job_seq, run)
) STRICT;
INSERT INTO "attempt" VALUES(1,1,1,'main','offline',1795569585731,1795569585733,1795569585735,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(2,2,1,'main','offline',1795569585741,1795569585743,1795569585744,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(3,3,1,'main','offline',1795569585749,1795569585751,1795569585752,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(4,4,1,'main','claude-sonnet-5-5',1795569585806,NULL,NULL,1009,2048,0,0,0,0,0,0,0,0);
CREATE TABLE cache (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    key        BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
    job_seq    INTEGER NOT NULL UNIQUE REFERENCES job (seq) ON DELETE CASCADE,
    bytes      INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;
CREATE TABLE held (
    user_id INTEGER PRIMARY KEY,
    amount  INTEGER NOT NULL
) STRICT;
INSERT INTO "held" VALUES(1,138002500);
CREATE TABLE idempotency (
    user_id    INTEGER NOT NULL,
    key        TEXT NOT NULL,
    body_hash  BLOB NOT NULL,
    job_id     BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (user_id, key)
) STRICT, WITHOUT ROWID;
INSERT INTO "idempotency" VALUES(1,'key-0',X'B0292EDAC5DF03175A4CCB289E231D0F5C14CAAE6535F36419DFBBBAA2E01206',X'ED99350AC456387CC5A7B084ACEC91A2',1795569585729);
INSERT INTO "idempotency" VALUES(1,'key-1',X'6D760EFF95792F3B2A3514BE1EE1DA3278FEE4A8C54CBFB26BEDC6976CF1F37F',X'108C52A91639C8652CA048A4801F4C56',1795569585740);
INSERT INTO "idempotency" VALUES(1,'key-2',X'40F5F9A39BDC5061B44BC55B30662EDA4A71D66B0459FD7A7391FAF1F69E93A4',X'8D0A09CA1799F17BC17D573A2AC9C4EF',1795569585748);
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
, repairs INTEGER NOT NULL DEFAULT 0, cache_key BLOB CHECK (length(cache_key) = 32), saved INTEGER NOT NULL DEFAULT 0, follows INTEGER CHECK (follows IS NULL OR state = 0), coalesced INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "job" VALUES(1,X'ED99350AC456387CC5A7B084ACEC91A2',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795569585729,1795569585731,1795569585735,NULL,NULL,0,X'9E230148F5566AC9901C04EB5DFA787C7AA07C8F7668E0101570F8D83CDF4318',0,NULL,0);
INSERT INTO "job" VALUES(2,X'108C52A91639C8652CA048A4801F4C56',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795569585740,1795569585741,1795569585744,NULL,NULL,0,X'BFAE6E0A67818207514B8EE7C9F6CB70F31D26B6A1656AB292B5CF85CB80BB63',0,NULL,0);
INSERT INTO "job" VALUES(3,X'8D0A09CA1799F17BC17D573A2AC9C4EF',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795569585748,1795569585749,1795569585752,NULL,NULL,0,X'0068BBFB9A283DFABA6DB549FF70C12E37584B0A4B24724D8ACBC79CDFD765CC',0,NULL,0);
INSERT INTO "job" VALUES(4,X'E7413D57F854EE34E59E8F6D9974DDCA',1,'enterprise',1,1,0,0,'graphviz',2048,NULL,1009,23002500,1,0,'main','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,0,1795569585799,1795569585806,NULL,NULL,NULL,0,X'C53016827D71601F2F17D59B2731523670E3EB61FCE55B97026B31EAD5872098',0,NULL,0);
INSERT INTO "job" VALUES(5,X'00CD3ECAE5F12755C452B44BAB9CEEDA',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795569585823,NULL,NULL,NULL,NULL,0,X'8F2E934F3D5C99428B563EDB8055622B79318C224D08A096F491DA21EFC6C032',0,NULL,0);
INSERT INTO "job" VALUES(6,X'7D5403549343BA1746F47F8046308EDA',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795569585830,NULL,NULL,NULL,NULL,0,X'7CCD3F7FC75C569238C0307A407B05568EE98CC3E0E50654B5B0A62A08FBE84E',0,NULL,0);
INSERT INTO "job" VALUES(7,X'ECAA2E3F917CE4F522D22B3E0AE92A14',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795569585834,NULL,NULL,NULL,NULL,0,X'F2AFCB0A39CDAB1E66FE4B0EC655C923C48370E5070410BA177A51E231E30946',0,NULL,0);
INSERT INTO "job" VALUES(8,X'F9B82E8288078176C99FBBE213E4688B',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795569585838,NULL,NULL,NULL,NULL,0,X'CB7DCADE3D17FFF51BE442D5AD800AE756E9E647113169E39AC53B1987C1FEDD',0,NULL,0);
INSERT INTO "job" VALUES(9,X'10D5DDAEEBA705B1677866CE340AA514',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795569585842,NULL,NULL,NULL,NULL,0,X'15929FEEEE41BD859DD813E4314F81B0B9F3A7380C83B51DCF48B950A83F3657',0,NULL,0);
INSERT INTO "job" VALUES(10,X'29F51E8508C214A36BFFCFC77E5E1A53',1,'enterprise',4,0,0,0,'graphviz',2048,NULL,1009,23002500,0,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795569585846,NULL,1795569585850,NULL,NULL,0,X'D1EBD1C958BE1ED01B14A31E13123F90F6DCD0050CE6B8069C422B06F0816C8D',0,NULL,0);
CREATE TABLE job_body (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    brief   TEXT NOT NULL
) STRICT;
INSERT INTO "job_body" VALUES(1,'{"prompt":"order 0 arrives, then it is shipped"}');
INSERT INTO "job_body" VALUES(2,'{"prompt":"order 1 arrives, then it is shipped"}');
INSERT INTO "job_body" VALUES(3,'{"prompt":"order 2 arrives, then it is shipped"}');
INSERT INTO "job_body" VALUES(4,'{"prompt":"one that is under way"}');
INSERT INTO "job_body" VALUES(5,'{"prompt":"one that waits, 0"}');
INSERT INTO "job_body" VALUES(6,'{"prompt":"one that waits, 1"}');
INSERT INTO "job_body" VALUES(7,'{"prompt":"one that waits, 2"}');
INSERT INTO "job_body" VALUES(8,'{"prompt":"one that waits, 3"}');
INSERT INTO "job_body" VALUES(9,'{"prompt":"one that waits, 4"}');
INSERT INTO "job_body" VALUES(10,'{"prompt":"one that nobody wants"}');
CREATE TABLE job_repair (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    repair  TEXT NOT NULL
) STRICT;
CREATE TABLE job_result (
    job_seq    INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    source     TEXT,
    title      TEXT,
    validation TEXT,
    failure    TEXT
) STRICT;
INSERT INTO "job_result" VALUES(1,'// drafted offline by rules, without a model
digraph G {
    rankdir=LR;
    node [shape=box, style=rounded];
    n1 [label="Order 0 arrives"];
    n2 [label="It is shipped"];
    n1 -> n2;
}','Order 0 arrives','{"status":"valid","errors":[]}',NULL);
INSERT INTO "job_result" VALUES(2,'// drafted offline by rules, without a model
digraph G {
    rankdir=LR;
    node [shape=box, style=rounded];
    n1 [label="Order 1 arrives"];
    n2 [label="It is shipped"];
    n1 -> n2;
}','Order 1 arrives','{"status":"valid","errors":[]}',NULL);
INSERT INTO "job_result" VALUES(3,'// drafted offline by rules, without a model
digraph G {
    rankdir=LR;
    node [shape=box, style=rounded];
    n1 [label="Order 2 arrives"];
    n2 [label="It is shipped"];
    n1 -> n2;
}','Order 2 arrives','{"status":"valid","errors":[]}',NULL);
CREATE TABLE job_webhook (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    url     TEXT NOT NULL
) STRICT;
CREATE TABLE request_window (
    user_id INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    used    INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (user_id, kind, start)
) STRICT, WITHOUT ROWID;
INSERT INTO "request_window" VALUES(1,0,1795568400000,9);
INSERT INTO "request_window" VALUES(1,1,1795564800000,9);
CREATE TABLE session (
    hash       BLOB PRIMARY KEY CHECK (length(hash) = 32),
    kind       INTEGER NOT NULL CHECK (kind IN (0, 1, 2)),
    user_id    INTEGER REFERENCES user (id),
    -- Whether a link opened it: such a session sets a password without knowing the one before.
    by_link    INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    CHECK ((user_id IS NULL) = (kind = 2))
) STRICT, WITHOUT ROWID;
INSERT INTO "session" VALUES(X'0940B32B069E21BD2D99F96B792F43E00396867BF59F208A77F4C3730CCDC276',2,NULL,0,1795569585693,1795571385693);
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('cache_bytes',0);
INSERT INTO "setting" VALUES('heartbeat',1795569585756);
INSERT INTO "setting" VALUES('identity_epoch',1);
INSERT INTO "setting" VALUES('paused',1);
INSERT INTO "setting" VALUES('webhooks_waiting',0);
CREATE TABLE usage_window (
    user_id     INTEGER NOT NULL,
    kind        INTEGER NOT NULL,
    start       INTEGER NOT NULL,
    input       INTEGER NOT NULL DEFAULT 0,
    output      INTEGER NOT NULL DEFAULT 0,
    cache_read  INTEGER NOT NULL DEFAULT 0,
    cache_write INTEGER NOT NULL DEFAULT 0,
    cost        INTEGER NOT NULL DEFAULT 0, hits INTEGER NOT NULL DEFAULT 0, saved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, kind, start)
) STRICT, WITHOUT ROWID;
INSERT INTO "usage_window" VALUES(1,0,1795568400000,27,174,0,0,0,0,0);
INSERT INTO "usage_window" VALUES(1,1,1795564800000,27,174,0,0,0,0,0);
INSERT INTO "usage_window" VALUES(1,2,1793491200000,27,174,0,0,0,0,0);
CREATE TABLE user (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    tier        TEXT NOT NULL CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    tier_epoch  INTEGER NOT NULL DEFAULT 0
, admin INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "user" VALUES(1,'ann','enterprise',NULL,1795569585702,NULL,0,0);
INSERT INTO "user" VALUES(2,'root','free',NULL,1795569585718,NULL,0,0);
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
CREATE TABLE webhook_body (
    delivery_seq INTEGER PRIMARY KEY REFERENCES webhook_delivery (seq) ON DELETE CASCADE,
    body         TEXT NOT NULL
) STRICT;
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
CREATE TABLE webhook_waiting (
    user_id INTEGER PRIMARY KEY,
    count   INTEGER NOT NULL
) STRICT;
CREATE INDEX api_key_user ON api_key (user_id);
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
CREATE INDEX job_live ON job (user_id, seq) WHERE state IN (0, 1);
CREATE INDEX job_queued ON job (seq) WHERE state = 0;
CREATE INDEX job_running ON job (seq) WHERE state = 1;
CREATE INDEX job_user ON job (user_id, seq);
CREATE INDEX job_created ON job (created_at);
CREATE INDEX job_ended ON job (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX attempt_open ON attempt (id) WHERE ended_at IS NULL;
CREATE INDEX attempt_ended ON attempt (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX idempotency_age ON idempotency (created_at);
CREATE TRIGGER cache_filled AFTER INSERT ON cache
BEGIN
    UPDATE setting SET value = value + new.bytes WHERE name = 'cache_bytes';
END;
CREATE TRIGGER cache_emptied AFTER DELETE ON cache
BEGIN
    UPDATE setting SET value = value - old.bytes WHERE name = 'cache_bytes';
END;
CREATE INDEX job_follower ON job (follows) WHERE follows IS NOT NULL;
CREATE INDEX job_leader ON job (substr(cache_key, 1, 6))
    WHERE state IN (0, 1) AND follows IS NULL AND cache_key IS NOT NULL;
CREATE INDEX session_user ON session (user_id, created_at);
CREATE INDEX session_expires ON session (expires_at);
CREATE TRIGGER user_disabled AFTER UPDATE OF disabled_at ON user
WHEN new.disabled_at IS NOT NULL
BEGIN
    DELETE FROM session WHERE user_id = new.id;
END;
CREATE TRIGGER session_ended AFTER DELETE ON session WHEN old.kind = 0
BEGIN
    UPDATE setting SET value = value + 1 WHERE name = 'identity_epoch';
END;
CREATE TRIGGER user_admin_changed AFTER UPDATE OF admin ON user WHEN new.admin IS NOT old.admin
BEGIN
    UPDATE setting SET value = value + 1 WHERE name = 'identity_epoch';
END;
CREATE INDEX job_unsuccessful ON job (state, seq) WHERE state IN (3, 4, 5);
CREATE INDEX webhook_delivery_waiting ON webhook_delivery (seq) WHERE state = 0;
CREATE INDEX webhook_delivery_user ON webhook_delivery (user_id, seq);
CREATE INDEX webhook_delivery_failed ON webhook_delivery (seq) WHERE state = 2;
CREATE INDEX webhook_delivery_ended ON webhook_delivery (ended_at) WHERE ended_at IS NOT NULL;
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
CREATE UNIQUE INDEX alert_standing ON alert (key) WHERE resolved_at IS NULL;
CREATE INDEX alert_raised ON alert (raised_at);
CREATE INDEX alert_message_due ON alert_message (due_at);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job',10);
COMMIT;
PRAGMA user_version = 7;
PRAGMA application_id = 1684501092;
