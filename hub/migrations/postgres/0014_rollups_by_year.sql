-- The days of a year are kept in one row: most of what was written for a record were rows of rollups
-- of one small integer. And what has no national code counts under the name of its procedure: a
-- store that holds dossiers folds its journal anew.
UPDATE head SET refold = true WHERE size > 0;

-- `slot` is level (0 all, 1 by agency, 2 by procedure, 3 by agency and procedure, 4 by field, 5 by
-- commune, 6 by agency and commune, 7 by agency and field), measure (8 bits), on levels 3, 6 and 7
-- the agency (30), and the calendar year plus 10000 (15); `inside` is what the level is by, on
-- levels 3, 6 and 7 the second of both, and on level 0 the name of no letters. `n` is what the year
-- comes to; `days` are the days from 1970-01-01 on which something changed, in order, and `counts`
-- how much on each.
DELETE FROM rollups;
UPDATE rolled SET position = 0;
ALTER TABLE rollups ADD COLUMN days integer[] NOT NULL, ADD COLUMN counts bigint[] NOT NULL;

-- The sums of years there are (span 2, by the first day that changed), those of days (span 0), and
-- the changes that they lack yet, in no span. In one statement all are of one moment.
CREATE OR REPLACE VIEW numbers_by_day AS
SELECT d.day, o.text AS agency, i.text AS procedure, m.text AS measure, d.n,
       d.span::smallint AS span
FROM rollups r
CROSS JOIN LATERAL (SELECT r.days[1] AS day, r.n, 2 AS span
                    UNION ALL
                    SELECT u.day, u.n, 0 FROM unnest(r.days, r.counts) u (day, n)) d
JOIN measures m ON m.measure = (r.slot >> 45 & 255)
JOIN names o ON o.name = (r.slot >> 15 & 1073741823) JOIN names i ON i.name = r.inside
WHERE r.slot >> 53 = 3
UNION ALL
SELECT d.day, p.agency, p.procedure, d.measure, d.n, NULL
FROM rolled o
JOIN deltas d ON d.position >= o.position
JOIN places p ON p.place = d.place;

CREATE OR REPLACE VIEW reporting.gauges_today AS
SELECT
    nullif(d.agency, '') AS agency, nullif(d.procedure, '') AS procedure,
    regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status, d.n
FROM (
    SELECT b.agency, b.procedure, b.measure, sum(b.n)::bigint AS n
    FROM (SELECT (now() AT TIME ZONE 'UTC' + interval '7 hours')::date AS today) t
    CROSS JOIN LATERAL (SELECT t.today - date '1970-01-01' AS today,
        date_trunc('year', t.today::timestamp)::date - date '1970-01-01' AS year) f
    JOIN lienthong.numbers_by_day b ON b.span = 2 AND b.day < f.year
        OR b.span = 0 AND b.day >= f.year AND b.day <= f.today
        OR b.span IS NULL AND b.day <= f.today
    WHERE b.measure ~ '^(open|(paused-)?overdue|paused|in-status.*)$'
    GROUP BY b.agency, b.procedure, b.measure HAVING sum(b.n) <> 0) d;

DROP VIEW rollups_told;

COMMENT ON COLUMN reporting.statistics.procedure IS
    'National procedure code; else its name; else the agency and its own code.';
COMMENT ON COLUMN reporting.statistics_by_day.procedure IS 'As in statistics.';
COMMENT ON COLUMN reporting.gauges_today.procedure IS 'As in statistics.';
