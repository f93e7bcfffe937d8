-- Deliveries not settled yet: one record each, to one outbound channel. Those of one key to one
-- channel form a line: they go one after another, by their positions. `body` is what is sent in
-- place of the record, where an operator has edited it.
CREATE TABLE outbox (
    channel  TEXT NOT NULL,
    key      TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES entries,
    personal INTEGER NOT NULL,
    body     BLOB,
    PRIMARY KEY (channel, key, position)
) STRICT, WITHOUT ROWID;
-- A line that has deliveries: how many, and when its first one is tried. Who announces it puts that
-- off to the end of the lease, so that a lease that runs out is a retry like any other. `token`
-- grows with every lease: what is told under an older one changes nothing. Times are milliseconds
-- since 1970. `told` is what was said of the last attempt that failed.
CREATE TABLE outbox_lines (
    channel       TEXT NOT NULL,
    key           TEXT NOT NULL,
    waiting       INTEGER NOT NULL,
    attempt_at    INTEGER NOT NULL,
    token         INTEGER NOT NULL,
    attempts      INTEGER NOT NULL,
    failing_since INTEGER,
    told          TEXT,
    PRIMARY KEY (channel, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_lines_due ON outbox_lines (channel, attempt_at);
-- Deliveries that were given up, as they were then. They stay when something was decided of them.
CREATE TABLE dead_letters (
    channel    TEXT NOT NULL,
    position   INTEGER NOT NULL REFERENCES entries,
    number     INTEGER NOT NULL,
    key        TEXT NOT NULL,
    personal   INTEGER NOT NULL,
    body       BLOB,
    attempts   INTEGER NOT NULL,
    cause      TEXT NOT NULL,
    told       TEXT NOT NULL,
    buried_at  INTEGER NOT NULL,
    state      TEXT NOT NULL,
    decided_at INTEGER,
    reason     TEXT,
    PRIMARY KEY (channel, position, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX dead_letters_by_time ON dead_letters (buried_at, channel, position, number);
CREATE INDEX dead_letters_waiting ON dead_letters (channel, buried_at) WHERE state = 'waiting';
-- What was decided of an outbound channel; one without a row is running.
CREATE TABLE outbound_channels (
    channel TEXT PRIMARY KEY,
    state   TEXT NOT NULL,
    up_to   INTEGER,
    since   INTEGER NOT NULL,
    reason  TEXT NOT NULL
) STRICT, WITHOUT ROWID;
