-- Which call of a client's a request comes from: the trace id, the id of the span that what follows is a
-- child of, and the flags (W3C Trace Context), so that a trace goes on after a restart. NULL: from before
-- there were any.
ALTER TABLE job ADD COLUMN trace BLOB CHECK (trace IS NULL OR length(trace) = 25);
-- The call's X-Request-Id, unless that is the trace id.
ALTER TABLE job ADD COLUMN request_id TEXT;
ALTER TABLE job_body ADD COLUMN trace_state TEXT;

-- A message outlives its job.
ALTER TABLE webhook_delivery ADD COLUMN trace BLOB CHECK (trace IS NULL OR length(trace) = 25);
ALTER TABLE webhook_delivery ADD COLUMN request_id TEXT;
ALTER TABLE webhook_body ADD COLUMN trace_state TEXT;
