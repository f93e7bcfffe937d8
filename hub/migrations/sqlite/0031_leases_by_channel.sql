-- The leases of an outbound channel, in one row (hub/src/store/deliveries/leases.rs says how they are
-- written). A line that is leased stays as it is: its next attempt is put off by none but one that
-- has failed, and the token is the lease's.
CREATE TABLE outbox_leases (
    channel TEXT PRIMARY KEY,
    leases  BLOB NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE outbox_lines DROP COLUMN token;
