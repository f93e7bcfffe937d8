-- Names whose persons were erased, and the messages whose raw bytes went with them: the same as on
-- SQLite. Rows are the owner's to write: a hub's own role erases nothing.
CREATE TABLE erased (
    name     text COLLATE "C" PRIMARY KEY,
    code     text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    at       text NOT NULL
);
CREATE INDEX erased_by_code ON erased (code);
ALTER TABLE head ADD COLUMN erased bigint;
ALTER TABLE messages ADD COLUMN erased bigint;
ALTER TABLE messages ADD COLUMN dropped bigint NOT NULL DEFAULT 0;
CREATE INDEX messages_erased ON messages (erased) WHERE erased IS NOT NULL;
CREATE INDEX entries_erasure ON entries (position) WHERE kind = 'erasure';

-- Drops raw bytes of messages that are marked erased, for a hub whose role may drop none: of a large
-- message an erased name may be read long after its first bytes were kept.
CREATE FUNCTION drop_erased(numbers bigint[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = lienthong, pg_temp AS $$
    DELETE FROM payloads p USING messages m
    WHERE m.message = ANY (numbers) AND m.erased IS NOT NULL AND p.message = m.message;
$$;
