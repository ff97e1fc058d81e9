-- A source that its parser refused, while the call that corrects it waits or runs: a JSON object
-- of domain::repair::Repair. The row goes when its job ends.
CREATE TABLE job_repair (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    repair  TEXT NOT NULL
) STRICT;

-- Repair calls of a job: the call of the last one may have been made several times, as retries.
ALTER TABLE job ADD COLUMN repairs INTEGER NOT NULL DEFAULT 0;
