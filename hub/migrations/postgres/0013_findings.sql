-- Findings, the same as on SQLite.
CREATE TABLE judged (
    one  smallint PRIMARY KEY CHECK (one = 1),
    next bigint NOT NULL
);

CREATE TABLE findings (
    opened    bigint NOT NULL,
    number    bigint NOT NULL,
    opened_at text NOT NULL,
    changed   bigint NOT NULL,
    turn      bigint NOT NULL,
    closed    bigint,
    closed_at text,
    rule      text COLLATE "C" NOT NULL,
    agency    text COLLATE "C" NOT NULL,
    dossier   text COLLATE "C",
    of_what   text COLLATE "C" NOT NULL,
    about     text COLLATE "C" NOT NULL,
    day       text,
    catalogue text NOT NULL,
    edition   bigint NOT NULL,
    body      text NOT NULL,
    PRIMARY KEY (opened, number)
);
CREATE INDEX findings_by_change ON findings (changed, turn);
CREATE INDEX findings_open ON findings (about) WHERE closed IS NULL;
CREATE INDEX findings_by_agency ON findings (agency, opened, number);
CREATE INDEX findings_by_rule ON findings (rule, opened, number);
CREATE INDEX findings_by_dossier ON findings (dossier, opened, number);

CREATE TABLE judged_codes (
    code        text COLLATE "C" NOT NULL,
    source      text COLLATE "C" NOT NULL,
    source_code text COLLATE "C" NOT NULL,
    PRIMARY KEY (code, source, source_code)
);

CREATE TABLE judged_tallies (
    agency text COLLATE "C" NOT NULL,
    code   text COLLATE "C" NOT NULL,
    day    text NOT NULL,
    tally  text NOT NULL,
    PRIMARY KEY (agency, code, day)
);
