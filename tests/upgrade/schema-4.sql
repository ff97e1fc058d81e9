-- {"user": "dgd_TL1aE82CP6epFxlbOMOsxcdBO5i0FPZRhCBRcjPe2Y4zLj", "admin": "dgd_0ZTd0NiTMRctEYT5iFwGsl2xOGZpuZL4qgtuc4z61FWFbt", "completed": {"req_719212f286dc540036c0094d39e4cff9": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 0 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_5414210e548b31c466149dd4dc54d96f": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 1 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}", "req_deeed7a3168a2d1a06bbe3bfb1ecea02": "// drafted offline by rules, without a model\ndigraph G {\n    rankdir=LR;\n    node [shape=box, style=rounded];\n    n1 [label=\"Order 2 arrives\"];\n    n2 [label=\"It is shipped\"];\n    n1 -> n2;\n}"}, "live": ["req_436f5b8f39a50453b853fdc8a3376422", "req_f6a66619412df3a7ae4a62b77c416575", "req_8dc7f7bb9d159c330cd29e27e37df8d2", "req_ad7fa164730d277741bd1633a8a93598", "req_e13b2f8431a19821f2b7ac5f9c3d02de", "req_95085e8a3e26f544c1461777daa8a616"], "cancelled": "req_340220859b699ce1c7af1f70a096bff7", "used": 9}
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
INSERT INTO "api_key" VALUES('key_f9155a098c3f0522',1,'user',X'8A638385726E6D80F78671D44B851EA1BC8987BBFDD15A92A075A5DC34D3DB74','dgd_TL1aE82C',1795557096126,NULL,1795557096248,NULL);
INSERT INTO "api_key" VALUES('key_859439f182472e26',2,'admin',X'EAC541DEF6E77D95D5603B7A70DC7727D153D5DC08C2C2FCE698EC889AF63196','dgd_0ZTd0NiT',1795557096147,NULL,NULL,NULL);
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
INSERT INTO "attempt" VALUES(1,1,1,'main','offline',1795557096161,1795557096163,1795557096164,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(2,2,1,'main','offline',1795557096170,1795557096171,1795557096173,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(3,3,1,'main','offline',1795557096186,1795557096189,1795557096190,1014,2048,9,58,0,0,0,1,0,0);
INSERT INTO "attempt" VALUES(4,4,1,'main','claude-sonnet-5-5',1795557096255,NULL,NULL,1009,2048,0,0,0,0,0,0,0,0);
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
INSERT INTO "idempotency" VALUES(1,'key-0',X'B0292EDAC5DF03175A4CCB289E231D0F5C14CAAE6535F36419DFBBBAA2E01206',X'719212F286DC540036C0094D39E4CFF9',1795557096159);
INSERT INTO "idempotency" VALUES(1,'key-1',X'6D760EFF95792F3B2A3514BE1EE1DA3278FEE4A8C54CBFB26BEDC6976CF1F37F',X'5414210E548B31C466149DD4DC54D96F',1795557096168);
INSERT INTO "idempotency" VALUES(1,'key-2',X'40F5F9A39BDC5061B44BC55B30662EDA4A71D66B0459FD7A7391FAF1F69E93A4',X'DEEED7A3168A2D1A06BBE3BFB1ECEA02',1795557096184);
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
INSERT INTO "job" VALUES(1,X'719212F286DC540036C0094D39E4CFF9',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795557096159,1795557096161,1795557096164,NULL,NULL,0,X'9E230148F5566AC9901C04EB5DFA787C7AA07C8F7668E0101570F8D83CDF4318',0,NULL,0);
INSERT INTO "job" VALUES(2,X'5414210E548B31C466149DD4DC54D96F',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795557096168,1795557096170,1795557096173,NULL,NULL,0,X'BFAE6E0A67818207514B8EE7C9F6CB70F31D26B6A1656AB292B5CF85CB80BB63',0,NULL,0);
INSERT INTO "job" VALUES(3,X'DEEED7A3168A2D1A06BBE3BFB1ECEA02',1,'enterprise',2,1,0,1,'graphviz',2048,NULL,1014,0,1,0,'main','offline','offline',1,9,58,0,0,0,1,0,1795557096184,1795557096186,1795557096190,NULL,NULL,0,X'0068BBFB9A283DFABA6DB549FF70C12E37584B0A4B24724D8ACBC79CDFD765CC',0,NULL,0);
INSERT INTO "job" VALUES(4,X'436F5B8F39A50453B853FDC8A3376422',1,'enterprise',1,1,0,0,'graphviz',2048,NULL,1009,23002500,1,0,'main','anthropic','claude-sonnet-5-5',0,0,0,0,0,0,0,0,1795557096250,1795557096255,NULL,NULL,NULL,0,X'C53016827D71601F2F17D59B2731523670E3EB61FCE55B97026B31EAD5872098',0,NULL,0);
INSERT INTO "job" VALUES(5,X'F6A66619412DF3A7AE4A62B77C416575',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795557096278,NULL,NULL,NULL,NULL,0,X'8F2E934F3D5C99428B563EDB8055622B79318C224D08A096F491DA21EFC6C032',0,NULL,0);
INSERT INTO "job" VALUES(6,X'8DC7F7BB9D159C330CD29E27E37DF8D2',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795557096285,NULL,NULL,NULL,NULL,0,X'7CCD3F7FC75C569238C0307A407B05568EE98CC3E0E50654B5B0A62A08FBE84E',0,NULL,0);
INSERT INTO "job" VALUES(7,X'AD7FA164730D277741BD1633A8A93598',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795557096289,NULL,NULL,NULL,NULL,0,X'F2AFCB0A39CDAB1E66FE4B0EC655C923C48370E5070410BA177A51E231E30946',0,NULL,0);
INSERT INTO "job" VALUES(8,X'E13B2F8431A19821F2B7AC5F9C3D02DE',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795557096293,NULL,NULL,NULL,NULL,0,X'CB7DCADE3D17FFF51BE442D5AD800AE756E9E647113169E39AC53B1987C1FEDD',0,NULL,0);
INSERT INTO "job" VALUES(9,X'95085E8A3E26F544C1461777DAA8A616',1,'enterprise',0,0,0,0,'graphviz',2048,NULL,1008,23000000,1,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795557096299,NULL,NULL,NULL,NULL,0,X'15929FEEEE41BD859DD813E4314F81B0B9F3A7380C83B51DCF48B950A83F3657',0,NULL,0);
INSERT INTO "job" VALUES(10,X'340220859B699CE1C7AF1F70A096BFF7',1,'enterprise',4,0,0,0,'graphviz',2048,NULL,1009,23002500,0,0,NULL,NULL,NULL,0,0,0,0,0,0,0,0,1795557096305,NULL,1795557096310,NULL,NULL,0,X'D1EBD1C958BE1ED01B14A31E13123F90F6DCD0050CE6B8069C422B06F0816C8D',0,NULL,0);
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
INSERT INTO "setting" VALUES('cache_bytes',0);
INSERT INTO "setting" VALUES('heartbeat',1795557096200);
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
    cost        INTEGER NOT NULL DEFAULT 0, hits INTEGER NOT NULL DEFAULT 0, saved INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, kind, start)
) STRICT, WITHOUT ROWID;
INSERT INTO "usage_window" VALUES(1,0,1795554000000,27,174,0,0,0,0,0);
INSERT INTO "usage_window" VALUES(1,1,1795478400000,27,174,0,0,0,0,0);
INSERT INTO "usage_window" VALUES(1,2,1793491200000,27,174,0,0,0,0,0);
CREATE TABLE user (
    id          INTEGER PRIMARY KEY,
    name        TEXT NOT NULL UNIQUE,
    tier        TEXT NOT NULL CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    password    TEXT,
    created_at  INTEGER NOT NULL,
    disabled_at INTEGER,
    tier_epoch  INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO "user" VALUES(1,'ann','enterprise',NULL,1795557096126,NULL,0);
INSERT INTO "user" VALUES(2,'root','free',NULL,1795557096147,NULL,0);
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
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('job',10);
COMMIT;
PRAGMA user_version = 4;
PRAGMA application_id = 1684501092;
