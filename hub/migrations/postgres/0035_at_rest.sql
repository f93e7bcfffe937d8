-- Raw bytes are sealed as personal texts are, and the master keys have their names: the same as on
-- SQLite. Rows of earlier times are the owner's to seal: a hub's own role alters none.
ALTER TABLE payloads ADD COLUMN key_id text;
ALTER TABLE payloads ADD COLUMN wrapped_key bytea;
CREATE TABLE at_rest_keys (
    id   text COLLATE "C" PRIMARY KEY,
    mark text NOT NULL
);
