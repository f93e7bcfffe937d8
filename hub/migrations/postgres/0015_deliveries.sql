-- Deliveries, the same as on SQLite: that file says what each table and column is for.
CREATE TABLE outbox (
    channel  text COLLATE "C" NOT NULL,
    key      text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    personal bigint NOT NULL,
    body     bytea,
    PRIMARY KEY (channel, key, position)
);
CREATE TABLE outbox_lines (
    channel       text COLLATE "C" NOT NULL,
    key           text COLLATE "C" NOT NULL,
    waiting       bigint NOT NULL,
    attempt_at    bigint NOT NULL,
    token         bigint NOT NULL,
    attempts      bigint NOT NULL,
    failing_since bigint,
    told          text,
    PRIMARY KEY (channel, key)
) WITH (fillfactor = 70);
CREATE INDEX outbox_lines_due ON outbox_lines (channel, attempt_at);
CREATE TABLE dead_letters (
    channel    text COLLATE "C" NOT NULL,
    position   bigint NOT NULL,
    number     bigint NOT NULL,
    key        text COLLATE "C" NOT NULL,
    personal   bigint NOT NULL,
    body       bytea,
    attempts   bigint NOT NULL,
    cause      text NOT NULL,
    told       text NOT NULL,
    buried_at  bigint NOT NULL,
    state      text NOT NULL,
    decided_at bigint,
    reason     text,
    PRIMARY KEY (channel, position, number)
);
CREATE INDEX dead_letters_by_time ON dead_letters (buried_at, channel, position, number);
CREATE INDEX dead_letters_waiting ON dead_letters (channel, buried_at) WHERE state = 'waiting';
CREATE TABLE outbound_channels (
    channel text COLLATE "C" PRIMARY KEY,
    state   text NOT NULL,
    up_to   bigint,
    since   bigint NOT NULL,
    reason  text NOT NULL
);
