-- What was last found at the addresses that links lead to, the same as on SQLite. Times are by this
-- server's clock.
CREATE TABLE visits (
    url           text COLLATE "C" PRIMARY KEY,
    visited_at    bigint NOT NULL,
    status        bigint,
    reason        text,
    leads_to      text,
    failures      bigint NOT NULL,
    failing_since bigint,
    due_at        bigint NOT NULL
) WITH (fillfactor = 50);

-- Which process looks.
CREATE TABLE visit_turn (
    one     smallint PRIMARY KEY CHECK (one = 1),
    token   bigint NOT NULL DEFAULT 0,
    holder  text NOT NULL DEFAULT '',
    ends_at bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
