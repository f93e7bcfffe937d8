-- Numbers make up the forms of reports: what came under work, what finished and what is open are
-- counted so that they agree of any days, and what waits for its applicant is not overdue. A store
-- that holds dossiers folds its journal anew, together with the last migration.
ALTER TABLE head ADD COLUMN refold boolean NOT NULL DEFAULT false;
UPDATE head SET refold = true WHERE size > 0;

-- A freeze is found by what it is of: its text begins with that.
CREATE INDEX entries_freeze ON entries (public) WHERE kind = 'freeze';

-- There is one more gauge.
CREATE OR REPLACE VIEW reporting.statistics AS
SELECT
    lienthong.day_numbered(d.day) AS day, nullif(p.agency, '') AS agency,
    nullif(p.procedure, '') AS procedure, nullif(p.field, '') AS field,
    nullif(p.channel, '') AS channel, nullif(p.commune, '') AS commune,
    regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status,
    d.measure ~ '^(open|(paused-)?overdue|paused|in-status.*)$' AS is_gauge, d.n
FROM (SELECT place, measure, day, sum(n)::bigint AS n FROM lienthong.deltas
      GROUP BY place, measure, day HAVING sum(n) <> 0) d
JOIN lienthong.places p ON p.place = d.place;
COMMENT ON COLUMN reporting.statistics.measure IS
    'What is counted: submitted, accepted, accepted-online, accepted-post, finished-early, '
    'finished-on-time, finished-late, first-promise-early, first-promise-on-time, '
    'first-promise-late, refused, withdrawn, returned; as gauges open, paused, overdue, '
    'paused-overdue, in-status.';

CREATE OR REPLACE VIEW reporting.statistics_by_day AS
SELECT
    lienthong.day_numbered(d.day) AS day, nullif(d.agency, '') AS agency,
    nullif(d.procedure, '') AS procedure, regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status,
    d.measure ~ '^(open|(paused-)?overdue|paused|in-status.*)$' AS is_gauge, d.n
FROM (SELECT day, agency, procedure, measure, sum(n)::bigint AS n FROM lienthong.numbers_by_day
      WHERE span = 0 OR span IS NULL
      GROUP BY day, agency, procedure, measure HAVING sum(n) <> 0) d;

CREATE OR REPLACE VIEW reporting.gauges_today AS
SELECT
    nullif(d.agency, '') AS agency, nullif(d.procedure, '') AS procedure,
    regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status, d.n
FROM (
    SELECT b.agency, b.procedure, b.measure, sum(b.n)::bigint AS n
    FROM (SELECT (now() AT TIME ZONE 'UTC' + interval '7 hours')::date AS today) t
    CROSS JOIN LATERAL (SELECT t.today - date '1970-01-01' AS today,
        date_trunc('month', t.today::timestamp)::date - date '1970-01-01' AS month,
        date_trunc('year', t.today::timestamp)::date - date '1970-01-01' AS year) f
    JOIN lienthong.numbers_by_day b ON b.span = 2 AND b.day < f.year
        OR b.span = 1 AND b.day >= f.year AND b.day < f.month
        OR b.span = 0 AND b.day >= f.month AND b.day <= f.today
        OR b.span IS NULL AND b.day <= f.today
    WHERE b.measure ~ '^(open|(paused-)?overdue|paused|in-status.*)$'
    GROUP BY b.agency, b.procedure, b.measure HAVING sum(b.n) <> 0) d;
COMMENT ON COLUMN reporting.gauges_today.measure IS
    'open, paused, overdue, paused-overdue or in-status.';
