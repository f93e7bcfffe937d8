-- Refusals that are open, the same as on SQLite.
CREATE TABLE refused (
    channel  text COLLATE "C" NOT NULL,
    code     text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    place    bigint NOT NULL,
    message  bigint NOT NULL,
    key      text COLLATE "C",
    PRIMARY KEY (channel, code, position, place)
);
CREATE INDEX refused_by_message ON refused (message);
CREATE INDEX refused_by_key ON refused (channel, key) WHERE key IS NOT NULL;

CREATE TABLE refused_counts (
    channel  text COLLATE "C" NOT NULL,
    code     text COLLATE "C" NOT NULL,
    refusals bigint NOT NULL,
    PRIMARY KEY (channel, code)
) WITH (fillfactor = 50);

-- As json, never jsonb: a text may tell of a NUL.
WITH deciding AS (
    SELECT message FROM message_keys UNION SELECT message FROM message_conflicts
), told AS (
    SELECT m.channel, m.message, e.position, r.place - 1 AS place, r.refusal
    FROM deciding d
    JOIN messages m ON m.message = d.message AND m.refused > 0
    JOIN entries e ON e.message = m.message AND e.kind = 'refusal'
    CROSS JOIN LATERAL json_array_elements(convert_from(e.public, 'UTF8')::json)
        WITH ORDINALITY r (refusal, place)
)
INSERT INTO refused (channel, code, position, place, message)
SELECT channel, '', position, place, message FROM told
UNION
SELECT t.channel, p.problem ->> 'code', t.position, t.place, t.message
FROM told t CROSS JOIN LATERAL json_array_elements(t.refusal -> 'problems') p (problem);

INSERT INTO refused_counts SELECT channel, code, count(*) FROM refused GROUP BY channel, code;

-- What each channel had on each day, the same as on SQLite.
CREATE TABLE channel_days (
    channel         text COLLATE "C" NOT NULL,
    day             bigint NOT NULL,
    messages        bigint NOT NULL,
    refused         bigint NOT NULL,
    records         bigint NOT NULL,
    refused_records bigint NOT NULL,
    repeats         bigint NOT NULL,
    first_at        bigint NOT NULL,
    last_at         bigint NOT NULL,
    pause           bigint NOT NULL,
    PRIMARY KEY (channel, day)
) WITH (fillfactor = 50);

WITH told AS (
    SELECT channel, outcome, records, refused,
           floor(extract(epoch FROM recorded_at::timestamptz) * 1000)::bigint AS at
    FROM messages WHERE outcome IS NOT NULL
), paused AS (
    SELECT *, (at + 25200000) / 86400000 AS day,
           at - lag(at) OVER (PARTITION BY channel, (at + 25200000) / 86400000 ORDER BY at)
               AS pause
    FROM told
)
INSERT INTO channel_days
SELECT channel, day, count(*), count(*) FILTER (WHERE outcome IN ('refused', 'conflict')),
       sum(records), sum(refused), 0, min(at), max(at), coalesce(max(pause), 0)
FROM paused GROUP BY channel, day;

-- Alerts, the same as on SQLite.
CREATE TABLE alerts (
    channel   text COLLATE "C" NOT NULL,
    kind      text COLLATE "C" NOT NULL,
    opened_at bigint NOT NULL,
    closed_at bigint,
    told      text NOT NULL,
    PRIMARY KEY (channel, kind, opened_at)
);
CREATE UNIQUE INDEX alerts_open ON alerts (channel, kind) WHERE closed_at IS NULL;

-- Controls, the same as on SQLite.
CREATE TABLE controls (
    channel text COLLATE "C" NOT NULL,
    at      bigint NOT NULL,
    kind    text COLLATE "C" NOT NULL,
    source  text COLLATE "C" NOT NULL,
    told    bigint NOT NULL,
    missing bigint NOT NULL,
    extra   bigint NOT NULL,
    PRIMARY KEY (channel, kind, at)
);
