-- Numbers are kept summed by field, by commune, and by either of them within an agency too. What
-- the rollups held is summed anew from the deltas.

-- `slot` is level (3 bits: 0 all, 1 by agency, 2 by procedure, 3 by agency and procedure, 4 by
-- field, 5 by commune, 6 by agency and commune, 7 by agency and field), span (2: 0 day, 1 month,
-- 2 year), measure (6), on levels 3, 6 and 7 the agency (30), and the day from 1970-01-01 plus
-- 1000000 (22); `inside` is what the level is by, on levels 3, 6 and 7 the second of both, and on
-- level 0 the name of no letters.
DELETE FROM rollups;
UPDATE rolled SET position = 0;

CREATE OR REPLACE VIEW rollups_told AS
SELECT (r.slot >> 60)::smallint AS level, (r.slot >> 58 & 3)::smallint AS span,
       m.text AS measure, o.text AS outer_key, ((r.slot & 4194303) - 1000000)::integer AS day,
       i.text AS inner_key, r.n
FROM rollups r JOIN measures m ON m.measure = (r.slot >> 52 & 63)
JOIN names o ON o.name = (r.slot >> 22 & 1073741823) JOIN names i ON i.name = r.inside;
