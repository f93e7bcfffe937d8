-- Records about no dossier: every telling that is or was current, a fold of the journal. It is
-- current from its own position up to `until`, the position of what replaced it; `day` is the day
-- that it is about. What was told before this version is there after `rebuild`.
CREATE TABLE records (
    position    INTEGER PRIMARY KEY REFERENCES entries,
    until       INTEGER,
    contract    TEXT NOT NULL,
    agency      TEXT NOT NULL,
    key         TEXT NOT NULL,
    day         INTEGER NOT NULL,
    version     TEXT,
    recorded_at TEXT NOT NULL,
    withdraws   INTEGER NOT NULL,
    hash        BLOB NOT NULL
) STRICT;
CREATE INDEX records_current ON records (contract, agency, key) WHERE until IS NULL;
CREATE INDEX records_by_day ON records (contract, day, position) WHERE until IS NULL;
CREATE INDEX records_of_agency ON records (contract, agency, day, position) WHERE until IS NULL;
-- For what stood at an earlier position: what was replaced since.
CREATE INDEX records_replaced ON records (contract, until) WHERE until IS NOT NULL;
CREATE INDEX records_of_key ON records (contract, agency, key, position);
