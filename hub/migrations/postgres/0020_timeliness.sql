-- How dossiers stand by the hub's own due date, the same as on SQLite: that file says what each table
-- and column is for.
CREATE TABLE timeliness (
    dossier text COLLATE "C" PRIMARY KEY,
    told    text NOT NULL
);
CREATE TABLE timeliness_years (
    level   smallint NOT NULL,
    measure text COLLATE "C" NOT NULL,
    outside text COLLATE "C" NOT NULL,
    year    smallint NOT NULL,
    inside  text COLLATE "C" NOT NULL,
    n       bigint NOT NULL,
    days    bytea NOT NULL,
    PRIMARY KEY (level, measure, outside, year, inside)
);

DELETE FROM findings;
DELETE FROM judged_codes;
DELETE FROM judged_tallies;
DELETE FROM judged;

CREATE TABLE strides (
    stride bigint NOT NULL,
    slot   bigint NOT NULL,
    inside bigint NOT NULL,
    days   bytea NOT NULL,
    PRIMARY KEY (stride, slot, inside)
);
CREATE TABLE strided (
    one  smallint PRIMARY KEY CHECK (one = 1),
    made bigint NOT NULL
);
INSERT INTO strided VALUES (1, 0);
