-- Whether the user may open the operator's page, also without an admin key.
ALTER TABLE user ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;

-- Sessions of signed-in people, and links that open one: what is kept is the SHA-256 of the token.
-- kind: 0 session, 1 a link of a user, 2 the link of the first start, whose user is not made yet.
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

CREATE INDEX session_user ON session (user_id, created_at);
CREATE INDEX session_expires ON session (expires_at);

-- A session or a link does not come back with a user who is enabled again.
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

-- The operator looks for what went wrong; what completed pays nothing for it.
CREATE INDEX job_unsuccessful ON job (state, seq) WHERE state IN (3, 4, 5);
