-- What one process at a time may do, and which process that is. The token grows whenever a lease
-- changes hands and never goes back; the end is by this server's clock. A row is never deleted.
CREATE TABLE leases (
    name    text COLLATE "C" PRIMARY KEY,
    holder  text NOT NULL,
    token   bigint NOT NULL CHECK (token > 0),
    ends_at timestamptz NOT NULL
) WITH (fillfactor = 10);
