-- Rollups are written for every message, a dozen rows each: keys of numbers cost a third of keys of
-- texts. What they held is summed anew from the deltas.

-- Agencies and procedures by number, for the rollups alone.
CREATE TABLE names (
    name INTEGER PRIMARY KEY,
    text TEXT NOT NULL UNIQUE
) STRICT;

-- Measures by number: some dozens, and apart, so that no number of names leaves one without room.
CREATE TABLE measures (
    measure INTEGER PRIMARY KEY,
    text    TEXT NOT NULL UNIQUE
) STRICT;

-- The sums of deltas over the listed lattice: level 0 all, 1 by agency, 2 by procedure, 3 by both;
-- by span 0 day, 1 month, 2 year, each named by its first day. So any period, and a gauge of any
-- day, is a few rows, however long the history. `slot` is level (2 bits), span (2), measure (6),
-- on level 3 the agency (31), and the day from 1970-01-01 plus 1000000 (22); `inner` is the agency
-- on level 1 and the procedure on levels 2 and 3, else the name of no letters.
DROP TABLE rollups;
CREATE TABLE rollups (
    slot  INTEGER NOT NULL,
    inner INTEGER NOT NULL REFERENCES names,
    n     INTEGER NOT NULL,
    PRIMARY KEY (slot, inner)
) STRICT, WITHOUT ROWID;
UPDATE head SET rolled = 0;

-- The same in words.
CREATE VIEW rollups_told AS
SELECT slot >> 61 AS level, slot >> 59 & 3 AS span, m.text AS measure, o.text AS outer_key,
       (slot & 4194303) - 1000000 AS day, i.text AS inner_key, n
FROM rollups r JOIN measures m ON m.measure = (slot >> 53 & 63)
JOIN names o ON o.name = (slot >> 22 & 2147483647) JOIN names i ON i.name = r.inner;
