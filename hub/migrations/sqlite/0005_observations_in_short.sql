-- What of a snapshot still bears on its dossier when a later one has replaced it, so that a long
-- history is not read again for every message. Absent for what is always read whole, and for
-- observations from before this version, until `rebuild` makes them anew.
ALTER TABLE observations ADD COLUMN short BLOB;
