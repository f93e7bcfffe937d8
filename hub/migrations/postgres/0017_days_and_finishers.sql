-- Days of an agency that pass, the same as on SQLite.
ALTER TABLE judged_tallies ALTER COLUMN day TYPE text COLLATE "C";
CREATE INDEX judged_tallies_by_day ON judged_tallies (day);
DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM judged;

ALTER TABLE places ADD COLUMN finishing_agency text COLLATE "C" NOT NULL DEFAULT '';
UPDATE places SET finishing_agency = agency;
ALTER TABLE places ALTER COLUMN finishing_agency DROP DEFAULT;
UPDATE head SET refold = true WHERE size > 0;
CREATE OR REPLACE VIEW reporting.statistics AS
SELECT
    lienthong.day_numbered(d.day) AS day, nullif(p.agency, '') AS agency,
    nullif(p.procedure, '') AS procedure, nullif(p.field, '') AS field,
    nullif(p.channel, '') AS channel, nullif(p.commune, '') AS commune,
    regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status,
    d.measure ~ '^(open|(paused-)?overdue|paused|in-status.*)$' AS is_gauge, d.n,
    nullif(p.finishing_agency, '') AS finishing_agency
FROM (SELECT place, measure, day, sum(n)::bigint AS n FROM lienthong.deltas
      GROUP BY place, measure, day HAVING sum(n) <> 0) d
JOIN lienthong.places p ON p.place = d.place;
COMMENT ON COLUMN reporting.statistics.finishing_agency IS
    'Agency whose system finished it, of what tells a finish; else the accepting one.';
