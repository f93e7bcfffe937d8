-- A due date that no supplement, payment or extension accounts for is no promise: it is told and asked
-- about, and early, late and overdue go by the promise before it. A store that holds dossiers folds its
-- journal anew, and what follows behind the journal is judged anew.
UPDATE head SET refold = 1 WHERE size > 0;
DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM timeliness;
DELETE FROM timeliness_years;
DELETE FROM judged;
