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
