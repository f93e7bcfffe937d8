-- What is kept of an agency's days is looked at as the calendar moves on, so days are found by an
-- index. What was asked before is judged anew by that: from the first entry on, behind the journal.
CREATE INDEX judged_tallies_by_day ON judged_tallies (day);
DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM judged;

-- Numbers of what was finished are told apart by the agency that finished it too. A store that holds
-- dossiers folds its journal anew.
DROP TABLE places;
CREATE TABLE places (
    place            INTEGER PRIMARY KEY,
    agency           TEXT NOT NULL,
    procedure        TEXT NOT NULL,
    field            TEXT NOT NULL,
    channel          TEXT NOT NULL,
    commune          TEXT NOT NULL,
    finishing_agency TEXT NOT NULL,
    UNIQUE (agency, procedure, field, channel, commune, finishing_agency)
) STRICT;
UPDATE head SET rolled = 0, refold = 1 WHERE size > 0;
