-- The leases of an outbound channel, the same as on SQLite. Its row is held by whoever announces or
-- concludes.
CREATE TABLE outbox_leases (
    channel text COLLATE "C" PRIMARY KEY,
    leases  bytea NOT NULL
) WITH (fillfactor = 10);
-- Its numbers do not become smaller by packing them.
ALTER TABLE outbox_leases ALTER COLUMN leases SET STORAGE EXTERNAL;
ALTER TABLE outbox_lines DROP COLUMN token;
