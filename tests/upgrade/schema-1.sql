-- {"user": "dgd_6yOC8vzDCbtwveNS2j6P1529ucKXf0oi5HzcKPNG2xrpSz", "admin": "dgd_uWq8x2l6JdGdFHcjP2l3CkUDriVsNvBU8KH9i84l1QEa2a", "completed": {"req_6a539b836a84a638388f01eef195bd85": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 0 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_3e5681513dc61bfaedee7c127dc84ad8": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 1 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_698f038080308e31810f7cf10bcbe800": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 2 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}"}, "live": ["req_ca6cab04ac60196c1a32bd91ac452888", "req_a85de33350b6824364918ad805099c8d", "req_ef4f0b812473282a133d91dc95204cb1", "req_61b5543d2435f9c21656557c2e354563", "req_ba48ea1d93cc5828142eded6280a0f57", "req_60efe62fc5de95c32403c7d69c4aefda"], "cancelled": "req_63073ba5d5b8d7ba765a91f4d2268178", "used": 9}
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
INSERT INTO "api_key" VALUES('key_8fbe0c7c09c2cb07',1,'user',X'DBB4E0562BC5232980164010D7BDD18B16DC086B58F3406D14B4134B5EB35E51','dgd_6yOC8vzD',1795554195037,NULL,1795554195086,NULL);
INSERT INTO "api_key" VALUES('key_ecc92039ee7a65ca',2,'admin',X'FAE303D1500CA27E0B0411D9971D4C4C4A01141E34D745F3198F58BFE15C1B28','dgd_uWq8x2l6',1795554195052,NULL,NULL,NULL);
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
INSERT INTO "attempt" VALUES(1,1,1,'main','offline',1795554195066,1795554195067,1795554195069,1014,2048,9,58,0,0,0,1,0);
INSERT INTO "attempt" VALUES(2,2,1,'main','offline',1795554195074,1795554195080,1795554195082,1014,2048,9,58,0,0,0,1,0);
INSERT INTO "attempt" VALUES(3,3,1,'main','offline',1795554195088,1795554195089,1795554195090,1014,2048,9,58,0,0,0,1,0);
INSERT INTO "attempt" VALUES(4,4,1,'main','claude-sonnet-5-5',1795554195176,NULL,NULL,1009,2048,0,0,0,0,0,0,0);
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
INSERT INTO "idempotency" VALUES(1,'key-0',X'B0292EDAC5DF03175A4CCB289E231D0F5C14CAAE6535F36419DFBBBAA2E01206',X'6A539B836A84A638388F01EEF195BD85',1795554195064);
INSERT INTO "idempotency" VALUES(1,'key-1',X'6D760EFF95792F3B2A3514BE1EE1DA3278FEE4A8C54CBFB26BEDC6976CF1F37F',X'3E5681513DC61BFAEDEE7C127DC84AD8',1795554195073);
INSERT INTO "idempotency" VALUES(1,'key-2',X'40F5F9A39BDC5061B44BC55B30662EDA4A71D66B0459FD7A7391FAF1F69E93A4',X'698F038080308E31810F7CF10BCBE800',1795554195086);
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
INSERT INTO "job" VALUES(1,X'6A539B836A84A638388F01EEF195BD85',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795554195064,1795554195066,1795554195069,NULL,NULL);
INSERT INTO "job" VALUES(2,X'3E5681513DC61BFAEDEE7C127DC84AD8',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795554195073,1795554195074,1795554195082,NULL,NULL);
INSERT INTO "job" VALUES(3,X'698F038080308E31810F7CF10BCBE800',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795554195086,1795554195088,1795554195090,NULL,NULL);
INSERT INTO "job" VALUES(4,X'CA6CAB04AC60196C1A32BD91AC452888',1,'enterprise',1,1,0,0,'graphviz',2048,NULL,1009,23002500,1,0,'main','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,0,1795554195168,1795554195176,NULL,NULL,NULL);
INSERT INTO "job" VALUES(5,X'A85DE33350B6824364918AD805099C8D',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554195194,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES(6,X'EF4F0B812473282A133D91DC95204CB1',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554195198,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES(7,X'61B5543D2435F9C21656557C2E354563',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554195206,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES(8,X'BA48EA1D93CC5828142EDED6280A0F57',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554195210,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES(9,X'60EFE62FC5DE95C32403C7D69C4AEFDA',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554195212,NULL,NULL,NULL,NULL);
INSERT INTO "job" VALUES(10,X'63073BA5D5B8D7BA765A91F4D2268178',1,'enterprise',4,0,0,0,'graphviz',2048,NULL,1009,23002500,0,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554195215,NULL,1795554195218,NULL,NULL);
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
}','Order 0 arrives','{"status":"unchecked","errors":[]}',NULL);
INSERT INTO "job_result" VALUES(2,'// drafted offline by rules, without a model
digraph G {
    rankdir=LR;
    node [shape=box, style=rounded];
    n1 [label="Order 1 arrives"];
    n2 [label="It is shipped"];
    n1 -> n2;
}','Order 1 arrives','{"status":"unchecked","errors":[]}',NULL);
INSERT INTO "job_result" VALUES(3,'// drafted offline by rules, without a model
digraph G {
    rankdir=LR;
    node [shape=box, style=rounded];
    n1 [label="Order 2 arrives"];
    n2 [label="It is shipped"];
    n1 -> n2;
}','Order 2 arrives','{"status":"unchecked","errors":[]}',NULL);
CREATE TABLE request_window (
    user_id INTEGER NOT NULL,
    kind    INTEGER NOT NULL,
    start   INTEGER NOT NULL,
    used    INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (user_id, kind, start)
) STRICT, WITHOUT ROWID;
INSERT INTO "request_window" VALUES(1,0,1795554000000,9);
INSERT INTO "request_window" VALUES(1,1,1795478400000,9);
CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "setting" VALUES('heartbeat',1795554195093);
INSERT INTO "setting" VALUES('identity_epoch',1);
INSERT INTO "setting" VALUES('paused',1);
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
INSERT INTO "usage_window" VALUES(1,0,1795554000000,27,174,0,0,0);
INSERT INTO "usage_window" VALUES(1,1,1795478400000,27,174,0,0,0);
INSERT INTO "usage_window" VALUES(1,2,1793491200000,27,174,0,0,0);
CREATE TABLE user (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    tier        TEXT NOT NULL CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    tier_epoch  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "user" VALUES(1,'ann','enterprise',NULL,1795554195037,NULL,0);
INSERT INTO "user" VALUES(2,'root','free',NULL,1795554195052,NULL,0);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job',10);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 1684501092;
