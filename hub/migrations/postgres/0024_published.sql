-- How far the journal was published to a broker, the same as on SQLite. Times are by this server's
-- clock.
CREATE TABLE published (
    one      smallint PRIMARY KEY CHECK (one = 1),
    position bigint NOT NULL DEFAULT 0,
    since    bigint NOT NULL DEFAULT 0,
    token    bigint NOT NULL DEFAULT 0,
    holder   text NOT NULL DEFAULT '',
    ends_at  bigint NOT NULL DEFAULT 0,
    moved_at bigint
) WITH (fillfactor = 10);
