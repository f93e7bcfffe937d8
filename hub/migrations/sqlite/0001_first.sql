-- The first schema. It holds all of the semantics, also where a feature on top comes later.
-- Texts that leaves commit to are BLOBs: bytes are what is hashed, published and served.

-- One row: the log's identity and its end. Written last in every transaction.
CREATE TABLE head (
    one         INTEGER PRIMARY KEY CHECK (one = 1),
    log_id      TEXT NOT NULL,
    dedup_key   BLOB NOT NULL,
    size        INTEGER NOT NULL,
    recorded_at TEXT,
    peaks       BLOB NOT NULL,
    -- Attempts numbered so far, and the hash of the rules in force.
    messages    INTEGER NOT NULL,
    rules       BLOB,
    -- The rollups hold the deltas before this position; those after it are added by readers.
    rolled      INTEGER NOT NULL
) STRICT;

-- Messages, one row an attempt. outcome IS NULL while a large one is being received.
CREATE TABLE messages (
    message        INTEGER PRIMARY KEY,
    channel        TEXT NOT NULL,
    id             TEXT NOT NULL,
    previous       INTEGER REFERENCES messages,
    dedup          BLOB NOT NULL,
    mode           TEXT NOT NULL,
    mapping        BLOB NOT NULL,
    content_type   TEXT,
    recorded_at    TEXT NOT NULL,
    next_chunk     INTEGER NOT NULL,
    outcome        TEXT,
    records        INTEGER NOT NULL,
    refused        INTEGER NOT NULL,
    first_position INTEGER,
    last_position  INTEGER
) STRICT;
CREATE INDEX messages_by_channel ON messages (channel, message);

-- The latest attempt that decides for an id. Never pruned: idempotency has no expiry.
CREATE TABLE message_keys (
    channel TEXT NOT NULL,
    id      TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES messages,
    PRIMARY KEY (channel, id)
) STRICT, WITHOUT ROWID;

-- Other content under an id that had stored something: kept once, never applied.
CREATE TABLE message_conflicts (
    channel TEXT NOT NULL,
    id      TEXT NOT NULL,
    dedup   BLOB NOT NULL,
    message INTEGER NOT NULL REFERENCES messages,
    PRIMARY KEY (channel, id, dedup)
) STRICT, WITHOUT ROWID;

-- Raw bytes in pieces, with the salt of their commitment at the first; all go with an erasure.
CREATE TABLE payloads (
    message INTEGER NOT NULL REFERENCES messages,
    piece   INTEGER NOT NULL,
    salt    BLOB,
    bytes   BLOB NOT NULL,
    UNIQUE (message, piece)
) STRICT;

-- The journal.
CREATE TABLE entries (
    position INTEGER PRIMARY KEY,
    message  INTEGER REFERENCES messages,
    record   INTEGER,
    kind     TEXT NOT NULL,
    mode     TEXT NOT NULL,
    text     BLOB NOT NULL,
    public   BLOB NOT NULL
) STRICT;
CREATE INDEX refusals_by_message ON entries (message) WHERE kind = 'refusal';
CREATE TRIGGER entries_stay BEFORE UPDATE ON entries
BEGIN SELECT RAISE(ABORT, 'the journal is never altered'); END;
CREATE TRIGGER entries_last BEFORE DELETE ON entries
BEGIN SELECT RAISE(ABORT, 'the journal is never altered'); END;

-- Personal texts, apart. key_id and wrapped_key are for encryption at rest.
CREATE TABLE personal (
    position    INTEGER PRIMARY KEY REFERENCES entries,
    salt        BLOB NOT NULL,
    key_id      TEXT,
    wrapped_key BLOB,
    text        BLOB NOT NULL
) STRICT;

-- Contents that reference entries name by hash.
CREATE TABLE reference_contents (
    hash    BLOB PRIMARY KEY,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Folds of the journal from here on: `rebuild` makes them anew.

-- Which rules held from which position on.
CREATE TABLE rules (
    position INTEGER PRIMARY KEY REFERENCES entries,
    hash     BLOB NOT NULL REFERENCES reference_contents
) STRICT;

-- One name of a dossier at one source, the national code it now carries, and its dossier: the
-- number of the smallest of the dossier's names. A name's own number is the position at which it
-- was first heard of, so all but the names themselves grow at the end.
CREATE TABLE members (
    member      INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    source_code TEXT NOT NULL,
    code        TEXT,
    dossier     INTEGER NOT NULL,
    UNIQUE (source_code, source)
) STRICT;
CREATE INDEX members_by_code ON members (code) WHERE code IS NOT NULL;
CREATE INDEX members_by_dossier ON members (dossier);

CREATE TABLE observations (
    member   INTEGER NOT NULL REFERENCES members,
    position INTEGER NOT NULL REFERENCES entries,
    PRIMARY KEY (member, position)
) STRICT, WITHOUT ROWID;

-- The state of each dossier and the position that last changed it; public IS NULL for a dossier
-- that a merge has retired.
CREATE TABLE dossiers (
    dossier  INTEGER PRIMARY KEY REFERENCES members,
    position INTEGER NOT NULL,
    public   BLOB
) STRICT;

-- Which dossiers each position changed: the feed of dossiers reads the latest change of each.
CREATE TABLE changes (
    position INTEGER NOT NULL,
    dossier  INTEGER NOT NULL,
    PRIMARY KEY (position, dossier)
) STRICT, WITHOUT ROWID;

-- Where numbers count: the dimensions that are no time and no measure, each combination once.
CREATE TABLE places (
    place     INTEGER PRIMARY KEY,
    agency    TEXT NOT NULL,
    procedure TEXT NOT NULL,
    field     TEXT NOT NULL,
    channel   TEXT NOT NULL,
    commune   TEXT NOT NULL,
    UNIQUE (agency, procedure, field, channel, commune)
) STRICT;

-- Every change of a number, never altered but by `rebuild`.
CREATE TABLE deltas (
    position INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    place    INTEGER NOT NULL REFERENCES places,
    measure  TEXT NOT NULL,
    n        INTEGER NOT NULL,
    PRIMARY KEY (position, place, measure, day)
) STRICT, WITHOUT ROWID;

-- Their sums over the listed lattice: level 0 all, 1 by agency, 2 by procedure, 3 by both (the
-- agency is `outer_key`, what is summed by is `inner_key`, the other is empty); by span 0 day,
-- 1 month, 2 year, each named by its first day. So any period, and a gauge of any day, is a few
-- rows, however long the history.
CREATE TABLE rollups (
    level     INTEGER NOT NULL,
    span      INTEGER NOT NULL,
    measure   TEXT NOT NULL,
    outer_key TEXT NOT NULL,
    day       INTEGER NOT NULL,
    inner_key TEXT NOT NULL,
    n         INTEGER NOT NULL,
    PRIMARY KEY (level, span, measure, outer_key, day, inner_key)
) STRICT, WITHOUT ROWID;

-- API keys: the secret is stored hashed.
CREATE TABLE api_keys (
    id         TEXT PRIMARY KEY,
    hash       BLOB NOT NULL,
    principal  TEXT NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT, WITHOUT ROWID;
