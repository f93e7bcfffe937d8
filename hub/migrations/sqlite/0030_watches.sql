-- Who follows which dossier (docs/portal.md). A dossier is named as one of its sources names it, not
-- by its number, which a rebuild may change. Told is what changes from `since` on, up to `ends_at`.
-- Times are milliseconds since 1970.
CREATE TABLE watches (
    id          TEXT PRIMARY KEY,
    owner       TEXT NOT NULL,
    source      TEXT NOT NULL,
    source_code TEXT NOT NULL,
    since       INTEGER NOT NULL,
    made_at     INTEGER NOT NULL,
    ends_at     INTEGER NOT NULL
) STRICT;

CREATE INDEX watches_of ON watches (source_code, source);
CREATE INDEX watches_by ON watches (owner);
