-- Who was given personal data, and what for: the same as on SQLite.
CREATE TABLE accesses (
    at        bigint NOT NULL,
    id        text COLLATE "C" NOT NULL,
    principal text NOT NULL,
    key       text COLLATE "C" NOT NULL,
    purpose   text NOT NULL,
    reason    text,
    call      text NOT NULL,
    agency    text COLLATE "C" NOT NULL,
    subject   text COLLATE "C" NOT NULL,
    position  bigint,
    PRIMARY KEY (at, id)
);

CREATE INDEX accesses_of ON accesses (agency, at, id);
CREATE INDEX accesses_to ON accesses (subject, at, id);
