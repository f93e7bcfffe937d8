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
