-- Numbers make up the forms of reports: what came under work, what finished and what is open are
-- counted so that they agree of any days, and what waits for its applicant is not overdue. A store
-- that holds dossiers folds its journal anew, together with the last migration.
ALTER TABLE head ADD COLUMN refold INTEGER NOT NULL DEFAULT 0;
UPDATE head SET refold = 1 WHERE size > 0;

-- A freeze is found by what it is of: its text begins with that.
CREATE INDEX entries_freeze ON entries (public) WHERE kind = 'freeze';
