-- Rollups are written for every message, a dozen rows each: keys of numbers cost a third of keys of
-- texts. What they held is summed anew from the deltas.

-- Agencies and procedures by number, for the rollups alone.
CREATE TABLE names (
    name bigint PRIMARY KEY,
    text text COLLATE "C" NOT NULL UNIQUE
);

-- Measures by number: some dozens, and apart, so that no number of names leaves one without room.
CREATE TABLE measures (
    measure bigint PRIMARY KEY,
    text    text COLLATE "C" NOT NULL UNIQUE
);

-- The sums of deltas over the listed lattice, laid out as on SQLite: `slot` is level (2 bits: 0 all,
-- 1 by agency, 2 by procedure, 3 by both), span (2: 0 day, 1 month, 2 year), measure (6), on level 3
-- the agency (31), and the day from 1970-01-01 plus 1000000 (22); `inside` is the agency on level 1
-- and the procedure on levels 2 and 3, else the name of no letters.
CREATE TABLE rollups_by_number (
    slot   bigint NOT NULL,
    inside bigint NOT NULL,
    n      bigint NOT NULL,
    PRIMARY KEY (slot, inside)
) WITH (fillfactor = 70);

-- The same in words.
CREATE VIEW rollups_told AS
SELECT (r.slot >> 61)::smallint AS level, (r.slot >> 59 & 3)::smallint AS span,
       m.text AS measure, o.text AS outer_key, ((r.slot & 4194303) - 1000000)::integer AS day,
       i.text AS inner_key, r.n
FROM rollups_by_number r JOIN measures m ON m.measure = (r.slot >> 53 & 63)
JOIN names o ON o.name = (r.slot >> 22 & 2147483647) JOIN names i ON i.name = r.inside;

CREATE OR REPLACE VIEW numbers_by_day AS
SELECT r.day, r.outer_key AS agency, r.inner_key AS procedure, r.measure, r.n, r.span
FROM rollups_told r WHERE r.level = 3
UNION ALL
SELECT d.day, p.agency, p.procedure, d.measure, d.n, NULL
FROM rolled o
JOIN deltas d ON d.position >= o.position
JOIN places p ON p.place = d.place;

DROP TABLE rollups;
ALTER TABLE rollups_by_number RENAME TO rollups;
ALTER INDEX rollups_by_number_pkey RENAME TO rollups_pkey;
UPDATE rolled SET position = 0;
