-- Numbers are kept in few rows: all deltas of an entry in one, and the days of a year in one. What
-- was written for a record was half of it rows of numbers, most of them of one small integer. And
-- what has no national code counts under the name of its procedure: a store that holds dossiers folds
-- its journal anew.

-- `packed` is of each delta its place, its measure, the days from the delta before it (of the first
-- from 1970-01-01), and how many more, as variable-length integers with zigzag (those of Protocol
-- Buffers).
DROP TABLE deltas;
CREATE TABLE deltas (
    position INTEGER PRIMARY KEY,
    packed   BLOB NOT NULL
) STRICT;

-- `slot` is level (0 all, 1 by agency, 2 by procedure, 3 by agency and procedure, 4 by field, 5 by
-- commune, 6 by agency and commune, 7 by agency and field), measure (8 bits), on levels 3, 6 and 7
-- the agency (30), and the calendar year plus 10000 (15); `inner` is what the level is by, on levels
-- 3, 6 and 7 the second of both, and on level 0 the name of no letters. `n` is what the year comes
-- to, `days` is of each day that changed the days from the one before it (of the first from
-- 1970-01-01) and how much, packed as above. So any period, and a gauge of any day, is a row for
-- each year, however long the history.
DROP VIEW rollups_told;
DROP TABLE rollups;
CREATE TABLE rollups (
    slot  INTEGER NOT NULL,
    inner INTEGER NOT NULL REFERENCES names,
    n     INTEGER NOT NULL,
    days  BLOB NOT NULL,
    PRIMARY KEY (slot, inner)
) STRICT, WITHOUT ROWID;
UPDATE head SET rolled = 0, refold = 1 WHERE size > 0;
