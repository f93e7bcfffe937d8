-- How far the journal was published to a broker (docs/bus.md), and who publishes. The position moves
-- when the broker has confirmed what lies before it. Times are milliseconds since 1970.
-- One row. None before anything was published.
CREATE TABLE published (
    one      INTEGER PRIMARY KEY CHECK (one = 1),
    position INTEGER NOT NULL DEFAULT 0,
    since    INTEGER NOT NULL DEFAULT 0,
    token    INTEGER NOT NULL DEFAULT 0,
    holder   TEXT NOT NULL DEFAULT '',
    ends_at  INTEGER NOT NULL DEFAULT 0,
    moved_at INTEGER
) STRICT;
