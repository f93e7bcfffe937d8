-- A key has a name, ends by itself, and may be for less than its bearer could do. When a key was
-- last used stands apart: it changes while keys themselves stand still (a move), and is no loss.
ALTER TABLE api_keys ADD COLUMN name text, ADD COLUMN scopes text, ADD COLUMN expires_at text;

CREATE TABLE key_uses (
    id      text COLLATE "C" PRIMARY KEY,
    used_at text NOT NULL
);
