-- Raw bytes are sealed as personal texts are: by a key of their own, which a master key wraps. The
-- salt of what is sealed is sealed with it.
ALTER TABLE payloads ADD COLUMN key_id TEXT;
ALTER TABLE payloads ADD COLUMN wrapped_key BLOB;
-- The master keys that something may be sealed by, each with what only who has it can tell.
CREATE TABLE at_rest_keys (
    id   TEXT PRIMARY KEY,
    mark TEXT NOT NULL
) STRICT, WITHOUT ROWID;
