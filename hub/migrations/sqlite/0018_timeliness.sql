-- How dossiers stand by the hub's own due date: a fold that follows behind the journal with findings,
-- in the same turns. What was judged before is judged anew, from the first entry on.

-- By dossier: the entry and the edition it was judged at, its due date, and what it adds to the
-- numbers, as JSON.
CREATE TABLE timeliness (
    dossier TEXT PRIMARY KEY,
    told    TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What that adds up to, on the levels of the rollups: a year of one number is one row, its total and
-- its days as rollups have them.
CREATE TABLE timeliness_years (
    level   INTEGER NOT NULL,
    measure TEXT NOT NULL,
    outside TEXT NOT NULL,
    year    INTEGER NOT NULL,
    inside  TEXT NOT NULL,
    n       INTEGER NOT NULL,
    days    BLOB NOT NULL,
    PRIMARY KEY (level, measure, outside, year, inside)
) STRICT, WITHOUT ROWID;

DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM judged;

-- Strides: sums of the deltas of runs of entries, so that numbers as of an old position are a few of
-- them. `slot`, `inner` and `days` are those of rollups; rows of the stride after `made` are not whole
-- yet.
CREATE TABLE strides (
    stride INTEGER NOT NULL,
    slot   INTEGER NOT NULL,
    inner  INTEGER NOT NULL,
    days   BLOB NOT NULL,
    PRIMARY KEY (stride, slot, inner)
) STRICT, WITHOUT ROWID;
CREATE TABLE strided (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    made INTEGER NOT NULL
) STRICT;
INSERT INTO strided VALUES (1, 0);
