-- Records about no dossier, the same as on SQLite: that file says what each column is for.
CREATE TABLE records (
    position    bigint PRIMARY KEY,
    until       bigint,
    contract    text COLLATE "C" NOT NULL,
    agency      text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    day         integer NOT NULL,
    version     text,
    recorded_at text COLLATE "C" NOT NULL,
    withdraws   boolean NOT NULL,
    hash        bytea NOT NULL
) WITH (fillfactor = 90);
CREATE INDEX records_current ON records (contract, agency, key) WHERE until IS NULL;
CREATE INDEX records_by_day ON records (contract, day, position) WHERE until IS NULL;
CREATE INDEX records_of_agency ON records (contract, agency, day, position) WHERE until IS NULL;
-- For what stood at an earlier position: what was replaced since.
CREATE INDEX records_replaced ON records (contract, until) WHERE until IS NOT NULL;
CREATE INDEX records_of_key ON records (contract, agency, key, position);
