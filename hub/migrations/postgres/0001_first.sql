-- The first schema, the same as on SQLite: that file says what each table is for. Here stands what
-- is PostgreSQL's own.
--
-- Texts that leaves commit to are bytea: bytes are what is hashed, published and served. Every text
-- that is looked up or sorted is in the order of its bytes, whatever the database's own collation.
-- Times are texts as the hub writes them: no text is ever cast. There is no foreign key: one plan
-- writes all rows and names what it has written itself; `verify` finds what does not hold.

CREATE TABLE head (
    one         smallint PRIMARY KEY CHECK (one = 1),
    log_id      text NOT NULL,
    dedup_key   bytea NOT NULL,
    size        bigint NOT NULL,
    recorded_at text,
    peaks       bytea NOT NULL,
    messages    bigint NOT NULL,
    rules       bytea
) WITH (fillfactor = 10);

-- The rollups hold the deltas before this position. Apart from the head, so that rolling up holds
-- nobody who appends.
CREATE TABLE rolled (
    one      smallint PRIMARY KEY CHECK (one = 1),
    position bigint NOT NULL
) WITH (fillfactor = 10);

CREATE TABLE messages (
    message        bigint PRIMARY KEY,
    channel        text COLLATE "C" NOT NULL,
    id             text COLLATE "C" NOT NULL,
    previous       bigint,
    dedup          bytea NOT NULL,
    mode           text NOT NULL,
    mapping        bytea NOT NULL,
    content_type   text,
    recorded_at    text COLLATE "C" NOT NULL,
    next_chunk     bigint NOT NULL,
    outcome        text COLLATE "C",
    records        bigint NOT NULL,
    refused        bigint NOT NULL,
    first_position bigint,
    last_position  bigint
);
CREATE INDEX messages_by_channel ON messages (channel, message);

-- Neither partitioned nor pruned: idempotency has no expiry.
CREATE TABLE message_keys (
    channel text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    message bigint NOT NULL,
    PRIMARY KEY (channel, id)
);

CREATE TABLE message_conflicts (
    channel text COLLATE "C" NOT NULL,
    id      text COLLATE "C" NOT NULL,
    dedup   bytea NOT NULL,
    message bigint NOT NULL,
    PRIMARY KEY (channel, id, dedup)
);

CREATE TABLE payloads (
    message bigint NOT NULL,
    piece   integer NOT NULL,
    salt    bytea,
    bytes   bytea NOT NULL,
    PRIMARY KEY (message, piece)
);

-- The journal, partitioned by position; the hub adds partitions ahead of its end.
CREATE TABLE entries (
    position bigint NOT NULL PRIMARY KEY,
    message  bigint,
    record   bigint,
    kind     text COLLATE "C" NOT NULL,
    mode     text NOT NULL,
    text     bytea NOT NULL,
    public   bytea NOT NULL
) PARTITION BY RANGE (position);
CREATE INDEX refusals_by_message ON entries (message) WHERE kind = 'refusal';

CREATE FUNCTION never_altered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is never altered' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER entries_stay BEFORE UPDATE OR DELETE ON entries
    FOR EACH ROW EXECUTE FUNCTION never_altered();
CREATE TRIGGER entries_last BEFORE TRUNCATE ON entries
    FOR EACH STATEMENT EXECUTE FUNCTION never_altered();
-- The hub's own role may not even try. Of a superuser only the triggers hold.
REVOKE UPDATE, DELETE, TRUNCATE ON entries FROM CURRENT_USER;

CREATE TABLE personal (
    position    bigint PRIMARY KEY,
    salt        bytea NOT NULL,
    key_id      text,
    wrapped_key bytea,
    text        bytea NOT NULL
);

CREATE TABLE reference_contents (
    hash    bytea PRIMARY KEY,
    content bytea NOT NULL
);

-- Folds of the journal from here on: `rebuild` makes them anew.

CREATE TABLE rules (
    position bigint PRIMARY KEY,
    hash     bytea NOT NULL
);

CREATE TABLE members (
    member      bigint PRIMARY KEY,
    source      text COLLATE "C" NOT NULL,
    source_code text COLLATE "C" NOT NULL,
    code        text COLLATE "C",
    dossier     bigint NOT NULL,
    UNIQUE (source_code, source)
) WITH (fillfactor = 90);
CREATE INDEX members_by_code ON members (code) WHERE code IS NOT NULL;
CREATE INDEX members_by_dossier ON members (dossier);

CREATE TABLE observations (
    member   bigint NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (member, position)
);

CREATE TABLE dossiers (
    dossier  bigint PRIMARY KEY,
    position bigint NOT NULL,
    public   bytea
) WITH (fillfactor = 70);

CREATE TABLE changes (
    position bigint NOT NULL,
    dossier  bigint NOT NULL,
    PRIMARY KEY (position, dossier)
);

-- Known by a hash of its names, which together may be longer than a key of an index. Never
-- deleted: a number once given means the same place for every process.
CREATE TABLE places (
    place     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    mark      bytea NOT NULL UNIQUE,
    agency    text COLLATE "C" NOT NULL,
    procedure text COLLATE "C" NOT NULL,
    field     text COLLATE "C" NOT NULL,
    channel   text COLLATE "C" NOT NULL,
    commune   text COLLATE "C" NOT NULL
);

CREATE TABLE deltas (
    position bigint NOT NULL,
    day      integer NOT NULL,
    place    bigint NOT NULL,
    measure  text COLLATE "C" NOT NULL,
    n        bigint NOT NULL,
    PRIMARY KEY (position, place, measure, day)
);

CREATE TABLE rollups (
    level     smallint NOT NULL,
    span      smallint NOT NULL,
    measure   text COLLATE "C" NOT NULL,
    outer_key text COLLATE "C" NOT NULL,
    day       integer NOT NULL,
    inner_key text COLLATE "C" NOT NULL,
    n         bigint NOT NULL,
    PRIMARY KEY (level, span, measure, outer_key, day, inner_key)
) WITH (fillfactor = 70);

CREATE TABLE api_keys (
    id         text COLLATE "C" PRIMARY KEY,
    hash       bytea NOT NULL,
    principal  text NOT NULL,
    created_at text NOT NULL,
    revoked_at text
);
