-- A key has a name, ends by itself, and may be for less than its bearer could do. When a key was
-- last used stands apart: it changes while keys themselves stand still (a move), and is no loss.
ALTER TABLE api_keys ADD COLUMN name TEXT;
ALTER TABLE api_keys ADD COLUMN scopes TEXT;
ALTER TABLE api_keys ADD COLUMN expires_at TEXT;

CREATE TABLE key_uses (
    id      TEXT PRIMARY KEY,
    used_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
