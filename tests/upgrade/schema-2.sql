-- {"user": "dgd_ggfgycr02QlQedx55vDSAqomueNiSwkI0WawM1yQ1MuptT", "admin": "dgd_6IKWPVefwXA0jGiftvt3yGfySskM4HBXoTiZjbCe3KgvQX", "completed": {"req_36b43908166312ae2f772dab9a18291b": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 0 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_cc8900aa89125e28ff601ea0721b00e9": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 1 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_89457186d1088e40fbf7adeea12832ab": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 2 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}"}, "live": ["req_a6b8503f5b8b08bcf5642953cad2ee65", "req_89e7d36fc02168eb9207e0a0826f621a", "req_6fcf267a93a8e73810d6d061fb537841", "req_f7cf02e68bd9f4f903969fd7f501ab98", "req_e82c3ebc8b64d3219cb4c37e27d240a3", "req_b1798267452ed4872481034354b2e102"], "cancelled": "req_6c90dfc921e8d971552eb460f25c527c", "used": 9}
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
INSERT INTO "api_key" VALUES('key_a68066b44916237b',1,'user',X'0D63654C1FD4DC7174EFA26EBB1C80EDC98F772599426EFAC840160D5B62B828','dgd_ggfgycr0',1795554197343,NULL,1795554197391,NULL);
INSERT INTO "api_key" VALUES('key_63c862878ea00b0b',2,'admin',X'46B28A41ECCDEFC8072DA83120F45A4730C9686E22FFC947F0E2FFEB26E6116F','dgd_6IKWPVef',1795554197359,NULL,NULL,NULL);
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
INSERT INTO "attempt" VALUES(1,1,1,'main','offline',1795554197374,1795554197376,1795554197378,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(2,2,1,'main','offline',1795554197384,1795554197385,1795554197387,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(3,3,1,'main','offline',1795554197392,1795554197394,1795554197395,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(4,4,1,'main','claude-sonnet-5-5',1795554197448,NULL,NULL,1009,2048,0,0,0,0,0,0,0,0);
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
INSERT INTO "idempotency" VALUES(1,'key-0',X'B0292EDAC5DF03175A4CCB289E231D0F5C14CAAE6535F36419DFBBBAA2E01206',X'36B43908166312AE2F772DAB9A18291B',1795554197372);
INSERT INTO "idempotency" VALUES(1,'key-1',X'6D760EFF95792F3B2A3514BE1EE1DA3278FEE4A8C54CBFB26BEDC6976CF1F37F',X'CC8900AA89125E28FF601EA0721B00E9',1795554197382);
INSERT INTO "idempotency" VALUES(1,'key-2',X'40F5F9A39BDC5061B44BC55B30662EDA4A71D66B0459FD7A7391FAF1F69E93A4',X'89457186D1088E40FBF7ADEEA12832AB',1795554197391);
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
, repairs INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO "job" VALUES(1,X'36B43908166312AE2F772DAB9A18291B',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795554197372,1795554197374,1795554197378,NULL,NULL,0);
INSERT INTO "job" VALUES(2,X'CC8900AA89125E28FF601EA0721B00E9',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795554197382,1795554197384,1795554197387,NULL,NULL,0);
INSERT INTO "job" VALUES(3,X'89457186D1088E40FBF7ADEEA12832AB',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795554197391,1795554197392,1795554197395,NULL,NULL,0);
INSERT INTO "job" VALUES(4,X'A6B8503F5B8B08BCF5642953CAD2EE65',1,'enterprise',1,1,0,0,'graphviz',2048,NULL,1009,23002500,1,0,'main','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,0,1795554197443,1795554197448,NULL,NULL,NULL,0);
INSERT INTO "job" VALUES(5,X'89E7D36FC02168EB9207E0A0826F621A',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554197458,NULL,NULL,NULL,NULL,0);
INSERT INTO "job" VALUES(6,X'6FCF267A93A8E73810D6D061FB537841',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554197460,NULL,NULL,NULL,NULL,0);
INSERT INTO "job" VALUES(7,X'F7CF02E68BD9F4F903969FD7F501AB98',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554197466,NULL,NULL,NULL,NULL,0);
INSERT INTO "job" VALUES(8,X'E82C3EBC8B64D3219CB4C37E27D240A3',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554197473,NULL,NULL,NULL,NULL,0);
INSERT INTO "job" VALUES(9,X'B1798267452ED4872481034354B2E102',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554197478,NULL,NULL,NULL,NULL,0);
INSERT INTO "job" VALUES(10,X'6C90DFC921E8D971552EB460F25C527C',1,'enterprise',4,0,0,0,'graphviz',2048,NULL,1009,23002500,0,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795554197486,NULL,1795554197493,NULL,NULL,0);
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
INSERT INTO "setting" VALUES('heartbeat',1795554197397);
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
INSERT INTO "user" VALUES(1,'ann','enterprise',NULL,1795554197343,NULL,0);
INSERT INTO "user" VALUES(2,'root','free',NULL,1795554197359,NULL,0);
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
PRAGMA user_version = 2;
PRAGMA application_id = 1684501092;
