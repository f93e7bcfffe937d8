-- Findings (docs/findings.md): what is asked about dossiers and agencies, a fold of the journal that
-- follows behind it; `rebuild` has it made anew from the first entry on.

-- One row: the entry that is judged next. None before the first is.
CREATE TABLE judged (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    next INTEGER NOT NULL
) STRICT;

-- Every finding there ever was: opened by an entry, changed last by one, closed by one where it is
-- not asked any more. `about` is the dossier's key, or what else it is about.
CREATE TABLE findings (
    opened    INTEGER NOT NULL,
    number    INTEGER NOT NULL,
    opened_at TEXT NOT NULL,
    changed   INTEGER NOT NULL,
    turn      INTEGER NOT NULL,
    closed    INTEGER,
    closed_at TEXT,
    rule      TEXT NOT NULL,
    agency    TEXT NOT NULL,
    dossier   TEXT,
    of_what   TEXT NOT NULL,
    about     TEXT NOT NULL,
    day       TEXT,
    catalogue TEXT NOT NULL,
    edition   INTEGER NOT NULL,
    body      TEXT NOT NULL,
    PRIMARY KEY (opened, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX findings_by_change ON findings (changed, turn);
CREATE INDEX findings_open ON findings (about) WHERE closed IS NULL;
CREATE INDEX findings_by_agency ON findings (agency, opened, number);
CREATE INDEX findings_by_rule ON findings (rule, opened, number);
CREATE INDEX findings_by_dossier ON findings (dossier, opened, number);

-- Which names ever told a national code, up to the entry that is judged next.
CREATE TABLE judged_codes (
    code        TEXT NOT NULL,
    source      TEXT NOT NULL,
    source_code TEXT NOT NULL,
    PRIMARY KEY (code, source, source_code)
) STRICT, WITHOUT ROWID;

-- What dossiers come to by agency and day, as JSON: the numbers of their codes, or where `code` is
-- empty how many were finished on each day of a month.
CREATE TABLE judged_tallies (
    agency TEXT NOT NULL,
    code   TEXT NOT NULL,
    day    TEXT NOT NULL,
    tally  TEXT NOT NULL,
    PRIMARY KEY (agency, code, day)
) STRICT, WITHOUT ROWID;
