-- A store that was restored from a backup goes on as a new log: the logs before it, as JSON that the
-- hub writes, the first one first. A backup is known by its mark.
ALTER TABLE head ADD COLUMN ended_logs text, ADD COLUMN backup text;
