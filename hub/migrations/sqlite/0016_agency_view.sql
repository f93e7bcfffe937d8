-- Refusals that are open (docs/agency-view.md): what its agency has yet to mend. No fold of the
-- journal, for some are settled by hand; `rebuild` leaves them. A refusal is the how-manieth of the
-- entry that tells it, and has a row for each code among its problems and one without a code, which
-- stands for all of them.
CREATE TABLE refused (
    channel  TEXT NOT NULL,
    code     TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES entries,
    place    INTEGER NOT NULL,
    message  INTEGER NOT NULL REFERENCES messages,
    key      TEXT,
    PRIMARY KEY (channel, code, position, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX refused_by_message ON refused (message);
CREATE INDEX refused_by_key ON refused (channel, key) WHERE key IS NOT NULL;

-- How many there are.
CREATE TABLE refused_counts (
    channel  TEXT NOT NULL,
    code     TEXT NOT NULL,
    refusals INTEGER NOT NULL,
    PRIMARY KEY (channel, code)
) STRICT, WITHOUT ROWID;

-- Those of attempts that still decide for their ids, and of conflicts with them.
WITH deciding AS (
    SELECT message FROM message_keys UNION SELECT message FROM message_conflicts
), told AS (
    SELECT m.channel, m.message, e.position, r.key AS place, r.value AS refusal
    FROM deciding d
    JOIN messages m ON m.message = d.message AND m.refused > 0
    JOIN entries e ON e.message = m.message AND e.kind = 'refusal'
    JOIN json_each(CAST(e.public AS TEXT)) r
)
INSERT INTO refused (channel, code, position, place, message)
SELECT channel, '', position, place, message FROM told
UNION
SELECT t.channel, json_extract(p.value, '$.code'), t.position, t.place, t.message
FROM told t JOIN json_each(t.refusal, '$.problems') p;

INSERT INTO refused_counts SELECT channel, code, count(*) FROM refused GROUP BY channel, code;

-- What each channel had on each day in Vietnam (days since 1970-01-01): messages with an outcome,
-- those of which nothing was stored, records stored and refused, messages sent again. Times are
-- milliseconds since 1970; `pause` is the longest between two messages of the day.
CREATE TABLE channel_days (
    channel         TEXT NOT NULL,
    day             INTEGER NOT NULL,
    messages        INTEGER NOT NULL,
    refused         INTEGER NOT NULL,
    records         INTEGER NOT NULL,
    refused_records INTEGER NOT NULL,
    repeats         INTEGER NOT NULL,
    first_at        INTEGER NOT NULL,
    last_at         INTEGER NOT NULL,
    pause           INTEGER NOT NULL,
    PRIMARY KEY (channel, day)
) STRICT, WITHOUT ROWID;

WITH told AS (
    SELECT channel, outcome, records, refused,
           CAST(unixepoch(recorded_at, 'subsec') * 1000 AS INTEGER) AS at
    FROM messages WHERE outcome IS NOT NULL
), paused AS (
    SELECT *, (at + 25200000) / 86400000 AS day,
           at - lag(at) OVER (PARTITION BY channel, (at + 25200000) / 86400000 ORDER BY at)
               AS pause
    FROM told
)
INSERT INTO channel_days
SELECT channel, day, count(*), sum(outcome IN ('refused', 'conflict')), sum(records),
       sum(refused), 0, min(at), max(at), coalesce(max(pause), 0)
FROM paused GROUP BY channel, day;

-- Alerts: what an operator is to look at, by channel. One is open until it is closed.
CREATE TABLE alerts (
    channel   TEXT NOT NULL,
    kind      TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed_at INTEGER,
    told      TEXT NOT NULL,
    PRIMARY KEY (channel, kind, opened_at)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX alerts_open ON alerts (channel, kind) WHERE closed_at IS NULL;

-- Controls: what an agency told that it has, compared with what the hub has. Never deleted.
CREATE TABLE controls (
    channel TEXT NOT NULL,
    at      INTEGER NOT NULL,
    kind    TEXT NOT NULL,
    source  TEXT NOT NULL,
    told    INTEGER NOT NULL,
    missing INTEGER NOT NULL,
    extra   INTEGER NOT NULL,
    PRIMARY KEY (channel, kind, at)
) STRICT, WITHOUT ROWID;
