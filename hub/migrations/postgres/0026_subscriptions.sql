-- Webhooks: who is sent which feed where, the same as on SQLite. Times are by this server's clock.
CREATE TABLE subscriptions (
    id            text COLLATE "C" PRIMARY KEY,
    owner         text COLLATE "C" NOT NULL,
    feed          text NOT NULL,
    agency        text,
    contract      text,
    url           text NOT NULL,
    signature     text NOT NULL,
    secrets       text NOT NULL,
    disabled      text,
    log_id        text NOT NULL,
    position      bigint NOT NULL,
    beside        text NOT NULL,
    version       bigint NOT NULL DEFAULT 0,
    attempts      bigint NOT NULL DEFAULT 0,
    failing_since bigint,
    due_at        bigint NOT NULL DEFAULT 0,
    tried         text NOT NULL DEFAULT '[]',
    made_at       bigint NOT NULL
) WITH (fillfactor = 50);

CREATE INDEX subscriptions_of ON subscriptions (owner);

-- Which process sends.
CREATE TABLE webhook_turn (
    one     smallint PRIMARY KEY CHECK (one = 1),
    token   bigint NOT NULL DEFAULT 0,
    holder  text NOT NULL DEFAULT '',
    ends_at bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
