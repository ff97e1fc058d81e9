-- Where a message of the user's own address was last sent to: the address may be another one by now.
ALTER TABLE webhook_delivery ADD COLUMN sent_to TEXT;

-- A user's list of what waits, or was given up, beside many that were taken.
CREATE INDEX webhook_delivery_user_waiting ON webhook_delivery (user_id, seq) WHERE state = 0;
CREATE INDEX webhook_delivery_user_failed ON webhook_delivery (user_id, seq) WHERE state = 2;
