-- What a month's invoices rest on. Nothing of it changes once its month is over, and nothing of it goes.

-- Which tier a user held, from when on; NULL: none (disabled). What was before a user's first row is
-- nothing.
CREATE TABLE tier_change (
    user_id INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    tier    TEXT CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    PRIMARY KEY (user_id, at)
) STRICT, WITHOUT ROWID;

-- What a tier cost a month, from when on; NULL: it had no price. Before its first row it cost the same.
CREATE TABLE tier_price (
    tier  TEXT NOT NULL CHECK (tier IN ('free', 'basic', 'pro', 'enterprise')),
    at    INTEGER NOT NULL,
    price INTEGER CHECK (price >= 0),
    PRIMARY KEY (tier, at)
) STRICT, WITHOUT ROWID;

-- Requests of a UTC month: accepted in it, and those whose unit went back in it.
CREATE TABLE month_requests (
    user_id  INTEGER NOT NULL,
    month    INTEGER NOT NULL,
    accepted INTEGER NOT NULL DEFAULT 0,
    returned INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, month)
) STRICT, WITHOUT ROWID;

-- Tokens and money of a UTC month by model. What a month has more in usage_window was used before this
-- was written, by requests that are gone.
CREATE TABLE month_model (
    user_id     INTEGER NOT NULL,
    month       INTEGER NOT NULL,
    model       TEXT NOT NULL,
    input       INTEGER NOT NULL DEFAULT 0,
    output      INTEGER NOT NULL DEFAULT 0,
    cache_read  INTEGER NOT NULL DEFAULT 0,
    cache_write INTEGER NOT NULL DEFAULT 0,
    cost        INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (user_id, month, model)
) STRICT, WITHOUT ROWID;

-- Since when all this is written down, and the end of the last month that takes no more.
INSERT INTO setting (name, value) VALUES
    ('books_since', CAST(unixepoch('subsec') * 1000 AS INTEGER)),
    ('books_closed_until', 0);

-- What is known of the time before: users as they are, and what the requests that are kept say.
INSERT INTO tier_change (user_id, at, tier) SELECT id, created_at, tier FROM user;
INSERT OR REPLACE INTO tier_change (user_id, at, tier)
    SELECT id, disabled_at, NULL FROM user WHERE disabled_at IS NOT NULL;
INSERT INTO month_requests (user_id, month, accepted, returned)
    SELECT user_id, unixepoch(created_at / 1000, 'unixepoch', 'start of month') * 1000 AS month,
           count(*), sum(charged = 0)
    FROM job GROUP BY user_id, month;
INSERT INTO month_model (user_id, month, model, input, output, cache_read, cache_write, cost)
    SELECT job.user_id, unixepoch(attempt.ended_at / 1000, 'unixepoch', 'start of month') * 1000 AS month,
           attempt.model, sum(attempt.input), sum(attempt.output), sum(attempt.cache_read),
           sum(attempt.cache_write), sum(attempt.cost)
    FROM attempt JOIN job ON job.seq = attempt.job_seq WHERE attempt.ended_at IS NOT NULL
    GROUP BY job.user_id, month, attempt.model
    HAVING sum(attempt.input + attempt.output + attempt.cache_read + attempt.cache_write + attempt.cost) > 0;
