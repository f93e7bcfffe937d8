-- Changes in what channels send that hold them (docs/drift.md): what was held when, by which change,
-- and who accepted it. Nothing is deleted.
CREATE TABLE drift_holds (
    channel     TEXT NOT NULL,
    held_at     INTEGER NOT NULL,
    place       INTEGER NOT NULL,
    -- The hash of the rules that read the field: who mends them ends the hold.
    reading     TEXT NOT NULL,
    -- The change, as JSON.
    told        TEXT NOT NULL,
    accepted_at INTEGER,
    accepted_by TEXT,
    PRIMARY KEY (channel, held_at, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX drift_holds_open ON drift_holds (channel) WHERE accepted_at IS NULL;
