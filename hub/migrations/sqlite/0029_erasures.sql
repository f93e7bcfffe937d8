-- Names whose persons were erased: a dossier's as `source/source_code`. What is told under one later
-- loses its personal members. An index of the journal's erasure entries, whose position and time
-- stand beside; `verify` compares.
CREATE TABLE erased (
    name     TEXT PRIMARY KEY,
    code     TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES entries,
    at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX erased_by_code ON erased (code);
-- The last erasure there was: what a batch has read before it is read again.
ALTER TABLE head ADD COLUMN erased INTEGER;
-- The erasure by which the raw bytes of a message went, or for which they were never kept; and of
-- how many of its records personal members were dropped.
ALTER TABLE messages ADD COLUMN erased INTEGER;
ALTER TABLE messages ADD COLUMN dropped INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_erased ON messages (erased) WHERE erased IS NOT NULL;
CREATE INDEX entries_erasure ON entries (position) WHERE kind = 'erasure';
