-- What was last found at the addresses that links lead to (docs/catalogue.md). `reason` says why
-- one leads nowhere; nothing where it leads somewhere. Times are milliseconds since 1970.
CREATE TABLE visits (
    url           TEXT PRIMARY KEY,
    visited_at    INTEGER NOT NULL,
    status        INTEGER,
    reason        TEXT,
    leads_to      TEXT,
    failures      INTEGER NOT NULL,
    failing_since INTEGER,
    due_at        INTEGER NOT NULL
) STRICT;

-- Which process looks. One row; none before anything was visited.
CREATE TABLE visit_turn (
    one     INTEGER PRIMARY KEY CHECK (one = 1),
    token   INTEGER NOT NULL DEFAULT 0,
    holder  TEXT NOT NULL DEFAULT '',
    ends_at INTEGER NOT NULL DEFAULT 0
) STRICT;
