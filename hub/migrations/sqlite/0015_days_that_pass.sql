-- What is kept of an agency's days is looked at as the calendar moves on, so days are found by an
-- index. What was asked before is judged anew by that: from the first entry on, behind the journal.
CREATE INDEX judged_tallies_by_day ON judged_tallies (day);
DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM judged;
