-- A store that was restored from a backup (docs/operating.md) goes on as a new log: the logs before
-- it, as JSON that the hub writes, the first one first. A backup itself is a store in a file, with a
-- mark by which it is known, so that nobody goes on with it as if it were the log.
ALTER TABLE head ADD COLUMN ended_logs TEXT;
ALTER TABLE head ADD COLUMN backup TEXT;
