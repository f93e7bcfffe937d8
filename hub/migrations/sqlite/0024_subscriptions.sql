-- Webhooks (docs/webhooks.md): who is sent which feed where, and how far that is. A place is a
-- position of a log and what tells apart what has the same. `secrets` is JSON that the hub writes:
-- sealed, so that a copied row is of no use. `disabled` says why nothing is sent; nothing where it
-- is. `tried` are the last attempts, as JSON. Times are milliseconds since 1970.
CREATE TABLE subscriptions (
    id            TEXT PRIMARY KEY,
    owner         TEXT NOT NULL,
    feed          TEXT NOT NULL,
    agency        TEXT,
    contract      TEXT,
    url           TEXT NOT NULL,
    signature     TEXT NOT NULL,
    secrets       TEXT NOT NULL,
    disabled      TEXT,
    log_id        TEXT NOT NULL,
    position      INTEGER NOT NULL,
    beside        TEXT NOT NULL,
    version       INTEGER NOT NULL DEFAULT 0,
    attempts      INTEGER NOT NULL DEFAULT 0,
    failing_since INTEGER,
    due_at        INTEGER NOT NULL DEFAULT 0,
    tried         TEXT NOT NULL DEFAULT '[]',
    made_at       INTEGER NOT NULL
) STRICT;

CREATE INDEX subscriptions_of ON subscriptions (owner);

-- Which process sends. One row; none before anything was sent.
CREATE TABLE webhook_turn (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    token   INTEGER NOT NULL DEFAULT 0,
    holder  TEXT NOT NULL DEFAULT '',
    ends_at INTEGER NOT NULL DEFAULT 0
) STRICT;
