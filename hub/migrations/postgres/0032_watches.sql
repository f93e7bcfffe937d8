-- Who follows which dossier, the same as on SQLite.
CREATE TABLE watches (
    id          text COLLATE "C" PRIMARY KEY,
    owner       text COLLATE "C" NOT NULL,
    source      text COLLATE "C" NOT NULL,
    source_code text COLLATE "C" NOT NULL,
    since       bigint NOT NULL,
    made_at     bigint NOT NULL,
    ends_at     bigint NOT NULL
);

CREATE INDEX watches_of ON watches (source_code, source);
CREATE INDEX watches_by ON watches (owner);
