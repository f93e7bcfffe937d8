-- Channels that the hub reads (docs/polling.md): where reading goes on, and who reads. The cursor is
-- moved by the transaction that accepts what was read. Times are milliseconds since 1970.
CREATE TABLE pollers (
    channel      TEXT PRIMARY KEY,
    cursor       TEXT,
    token        INTEGER NOT NULL DEFAULT 0,
    holder       TEXT NOT NULL DEFAULT '',
    ends_at      INTEGER NOT NULL DEFAULT 0,
    due_at       INTEGER NOT NULL DEFAULT 0,
    ended_at     INTEGER,
    succeeded_at INTEGER,
    moved_at     INTEGER,
    failures     INTEGER NOT NULL DEFAULT 0,
    trouble      TEXT
) STRICT, WITHOUT ROWID;

-- What was read last under each key of a channel, as keyed hashes: what is the same is not taken
-- again.
CREATE TABLE polled (
    channel TEXT NOT NULL,
    key     BLOB NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
