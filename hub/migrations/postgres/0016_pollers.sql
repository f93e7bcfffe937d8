-- Channels that the hub reads, the same as on SQLite. Times are by this server's clock.
CREATE TABLE pollers (
    channel      text COLLATE "C" PRIMARY KEY,
    cursor       text,
    token        bigint NOT NULL DEFAULT 0,
    holder       text NOT NULL DEFAULT '',
    ends_at      bigint NOT NULL DEFAULT 0,
    due_at       bigint NOT NULL DEFAULT 0,
    ended_at     bigint,
    succeeded_at bigint,
    moved_at     bigint,
    failures     bigint NOT NULL DEFAULT 0,
    trouble      text
) WITH (fillfactor = 10);

CREATE TABLE polled (
    channel text COLLATE "C" NOT NULL,
    key     bytea NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (channel, key)
);
