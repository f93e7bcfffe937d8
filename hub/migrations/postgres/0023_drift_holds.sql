-- Changes in what channels send that hold them, the same as on SQLite.
CREATE TABLE drift_holds (
    channel     text COLLATE "C" NOT NULL,
    held_at     bigint NOT NULL,
    place       bigint NOT NULL,
    reading     text NOT NULL,
    told        text NOT NULL,
    accepted_at bigint,
    accepted_by text,
    PRIMARY KEY (channel, held_at, place)
);

CREATE INDEX drift_holds_open ON drift_holds (channel) WHERE accepted_at IS NULL;
