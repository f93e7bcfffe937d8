-- Days of an agency that pass, the same as on SQLite.
ALTER TABLE judged_tallies ALTER COLUMN day TYPE text COLLATE "C";
CREATE INDEX judged_tallies_by_day ON judged_tallies (day);
DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM judged;
