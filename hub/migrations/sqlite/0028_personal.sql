-- Who was given personal data, and what for (docs/personal-data.md): a row for each subject of each
-- agency whose data it is. Times are milliseconds since 1970.
CREATE TABLE accesses (
    at        INTEGER NOT NULL,
    id        TEXT NOT NULL,
    principal TEXT NOT NULL,
    key       TEXT NOT NULL,
    purpose   TEXT NOT NULL,
    reason    TEXT,
    call      TEXT NOT NULL,
    agency    TEXT NOT NULL,
    subject   TEXT NOT NULL,
    position  INTEGER,
    PRIMARY KEY (at, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX accesses_of ON accesses (agency, at, id);
CREATE INDEX accesses_to ON accesses (subject, at, id);
