-- The job whose call this one shares: an equal request that waits or runs. A follower makes no call
-- of its own, so it only ever waits; it leaves its leader in the transaction that ends either.
ALTER TABLE job ADD COLUMN follows INTEGER CHECK (follows IS NULL OR state = 0);
-- Whether it ended with the call that it shared.
ALTER TABLE job ADD COLUMN coalesced INTEGER NOT NULL DEFAULT 0;

CREATE INDEX job_follower ON job (follows) WHERE follows IS NOT NULL;
-- Of the key so much as tells jobs apart: what is accepted writes less.
CREATE INDEX job_leader ON job (substr(cache_key, 1, 6))
    WHERE state IN (0, 1) AND follows IS NULL AND cache_key IS NOT NULL;
