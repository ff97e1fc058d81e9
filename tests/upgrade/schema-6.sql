-- {"user": "dgd_0gCkSDQLqakz0g9sMUe8Ldlba7W3eLidsKBWGsNS1YXYSY", "admin": "dgd_xA7WajShFyJW7RRbRoPVJDmef1fs3wmQ9gj7bZa51Yt809", "completed": {"req_6f22592b6351bc3260ac24f1e6006724": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 0 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_3549d151e61464fdbc62030cc911fdae": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 1 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_8b3ab1a5b210eff15b909c9c7c65d884": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 2 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}"}, "live": ["req_175878df3be0d96b51c2d524af87bc12", "req_8318aa7ef7a0a361763fc3ca8ecb06f6", "req_856ed5e1c761feb2f58613425114a8d1", "req_d32fa02617a5aa3fea04513ee804cf77", "req_57c73bac3f85642e639a446ed8567b00", "req_bf1e5fa3a296c6558e1dc5cf784b1deb"], "cancelled": "req_1c41efd5023e581160023b0a52e7f7fa", "used": 9}
-- Written by tests/upgrade/make; never changed.
BEGIN TRANSACTION;
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
INSERT INTO "api_key" VALUES('key_fcc44a94251c1d79',1,'user',X'EA8182A35DB51DF3806A31418EEC0D0FE415FF98E28CCAFF45CE5830F0FA5B82','dgd_0gCkSDQL',1795570045360,NULL,1795570045394,NULL);
INSERT INTO "api_key" VALUES('key_3c5cea19346020ee',2,'admin',X'ECA88528515D8033D319D970DEF896EDCFD58362AA43FCAC3346400F65634D84','dgd_xA7WajSh',1795570045371,NULL,NULL,NULL);
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
INSERT INTO "attempt" VALUES(1,1,1,'main','offline',1795570045382,1795570045383,1795570045384,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(2,2,1,'main','offline',1795570045390,1795570045390,1795570045391,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(3,3,1,'main','offline',1795570045396,1795570045397,1795570045398,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(4,4,1,'main','claude-sonnet-5-5',1795570045442,NULL,NULL,1009,2048,0,0,0,0,0,0,0,0);
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
INSERT INTO "idempotency" VALUES(1,'key-0',X'B0292EDAC5DF03175A4CCB289E231D0F5C14CAAE6535F36419DFBBBAA2E01206',X'6F22592B6351BC3260AC24F1E6006724',1795570045380);
INSERT INTO "idempotency" VALUES(1,'key-1',X'6D760EFF95792F3B2A3514BE1EE1DA3278FEE4A8C54CBFB26BEDC6976CF1F37F',X'3549D151E61464FDBC62030CC911FDAE',1795570045388);
INSERT INTO "idempotency" VALUES(1,'key-2',X'40F5F9A39BDC5061B44BC55B30662EDA4A71D66B0459FD7A7391FAF1F69E93A4',X'8B3AB1A5B210EFF15B909C9C7C65D884',1795570045395);
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
INSERT INTO "job" VALUES(1,X'6F22592B6351BC3260AC24F1E6006724',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795570045380,1795570045382,1795570045384,NULL,NULL,0,X'9E230148F5566AC9901C04EB5DFA787C7AA07C8F7668E0101570F8D83CDF4318',0,NULL,0);
INSERT INTO "job" VALUES(2,X'3549D151E61464FDBC62030CC911FDAE',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795570045388,1795570045390,1795570045391,NULL,NULL,0,X'BFAE6E0A67818207514B8EE7C9F6CB70F31D26B6A1656AB292B5CF85CB80BB63',0,NULL,0);
INSERT INTO "job" VALUES(3,X'8B3AB1A5B210EFF15B909C9C7C65D884',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795570045395,1795570045396,1795570045398,NULL,NULL,0,X'0068BBFB9A283DFABA6DB549FF70C12E37584B0A4B24724D8ACBC79CDFD765CC',0,NULL,0);
INSERT INTO "job" VALUES(4,X'175878DF3BE0D96B51C2D524AF87BC12',1,'enterprise',1,1,0,0,'graphviz',2048,NULL,1009,23002500,1,0,'main','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,0,1795570045440,1795570045442,NULL,NULL,NULL,0,X'C53016827D71601F2F17D59B2731523670E3EB61FCE55B97026B31EAD5872098',0,NULL,0);
INSERT INTO "job" VALUES(5,X'8318AA7EF7A0A361763FC3CA8ECB06F6',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795570045451,NULL,NULL,NULL,NULL,0,X'8F2E934F3D5C99428B563EDB8055622B79318C224D08A096F491DA21EFC6C032',0,NULL,0);
INSERT INTO "job" VALUES(6,X'856ED5E1C761FEB2F58613425114A8D1',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795570045454,NULL,NULL,NULL,NULL,0,X'7CCD3F7FC75C569238C0307A407B05568EE98CC3E0E50654B5B0A62A08FBE84E',0,NULL,0);
INSERT INTO "job" VALUES(7,X'D32FA02617A5AA3FEA04513EE804CF77',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795570045457,NULL,NULL,NULL,NULL,0,X'F2AFCB0A39CDAB1E66FE4B0EC655C923C48370E5070410BA177A51E231E30946',0,NULL,0);
INSERT INTO "job" VALUES(8,X'57C73BAC3F85642E639A446ED8567B00',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795570045460,NULL,NULL,NULL,NULL,0,X'CB7DCADE3D17FFF51BE442D5AD800AE756E9E647113169E39AC53B1987C1FEDD',0,NULL,0);
INSERT INTO "job" VALUES(9,X'BF1E5FA3A296C6558E1DC5CF784B1DEB',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795570045463,NULL,NULL,NULL,NULL,0,X'15929FEEEE41BD859DD813E4314F81B0B9F3A7380C83B51DCF48B950A83F3657',0,NULL,0);
INSERT INTO "job" VALUES(10,X'1C41EFD5023E581160023B0A52E7F7FA',1,'enterprise',4,0,0,0,'graphviz',2048,NULL,1009,23002500,0,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795570045465,NULL,1795570045468,NULL,NULL,0,X'D1EBD1C958BE1ED01B14A31E13123F90F6DCD0050CE6B8069C422B06F0816C8D',0,NULL,0);
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
INSERT INTO "session" VALUES(X'0C4D484918A478C8212B0EA480D72B9A3E7E1CB770AF96388A298A47259E4130',2,NULL,0,1795570045351,1795571845351);
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('cache_bytes',0);
INSERT INTO "setting" VALUES('heartbeat',1795570045400);
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
INSERT INTO "user" VALUES(1,'ann','enterprise',NULL,1795570045360,NULL,0,0);
INSERT INTO "user" VALUES(2,'root','free',NULL,1795570045371,NULL,0,0);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job',10);
COMMIT;
PRAGMA user_version = 6;
PRAGMA application_id = 1684501092;
