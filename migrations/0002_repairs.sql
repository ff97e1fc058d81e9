-- A source that its parser refused, while the call that corrects it waits or runs: a JSON object
-- of domain::repair::Repair. The row goes when its job ends.
CREATE TABLE job_repair (
    job_seq INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    repair  TEXT NOT NULL
) STRICT;

-- Which repair a call was for, from 1; 0: it asked for the diagram itself.
ALTER TABLE attempt ADD COLUMN repair INTEGER NOT NULL DEFAULT 0;

-- Repairs of a job for which a call was sent; further calls for the same repair are retries.
ALTER TABLE job ADD COLUMN repairs INTEGER NOT NULL DEFAULT 0;
