-- What channels send, as data, the same as on SQLite.
CREATE TABLE profiled (
    one  smallint PRIMARY KEY CHECK (one = 1),
    next bigint NOT NULL
);

CREATE TABLE profiles (
    channel text COLLATE "C" NOT NULL,
    period  text COLLATE "C" NOT NULL,
    profile text NOT NULL,
    PRIMARY KEY (channel, period)
);
