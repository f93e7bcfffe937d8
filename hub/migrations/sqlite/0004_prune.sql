-- Raw bytes of messages before this number were dropped for their age (`lienthong prune`).
ALTER TABLE head ADD COLUMN pruned INTEGER NOT NULL DEFAULT 1;
