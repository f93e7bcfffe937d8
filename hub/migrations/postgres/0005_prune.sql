-- Raw bytes of messages before this number were dropped for their age (`lienthong prune`).
ALTER TABLE head ADD COLUMN pruned bigint NOT NULL DEFAULT 1;

-- Raw bytes, partitioned by the number of their message: a partition that is all old is emptied at
-- once, which gives its room back to the disk and holds nobody who appends.
ALTER TABLE payloads RENAME TO payloads_000000;
ALTER INDEX payloads_pkey RENAME TO payloads_000000_pkey;
CREATE TABLE payloads (
    message bigint NOT NULL,
    piece   integer NOT NULL,
    salt    bytea,
    bytes   bytea NOT NULL,
    PRIMARY KEY (message, piece)
) PARTITION BY RANGE (message);
-- What comes when no partition is ready for it; there is none, as long as the hub sees to them.
CREATE TABLE payloads_rest PARTITION OF payloads DEFAULT;
DO $$
BEGIN
    EXECUTE format(
        'ALTER TABLE lienthong.payloads ATTACH PARTITION lienthong.payloads_000000
             FOR VALUES FROM (MINVALUE) TO (%s)',
        (coalesce((SELECT messages FROM lienthong.head), 0) / 65536 + 1) * 65536);
END $$;

-- Adds partitions so that the next entries and raw bytes have their place for a long time, the
-- journal having so many entries and the store so many messages. Attached rather than made a part
-- at once: whoever reads or appends meanwhile goes on. It runs with its owner's rights, so a hub
-- whose role owns nothing can call it.
CREATE FUNCTION add_partitions(entries bigint, messages bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = lienthong, pg_temp AS $$
DECLARE
    entries_each CONSTANT bigint := 4194304;
    payloads_each CONSTANT bigint := 65536;
    name text;
    first bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(7811888331711213424);
    FOR number IN 0 .. entries / entries_each + 1 LOOP
        name := 'entries_' || lpad(number::text, 5, '0');
        CONTINUE WHEN to_regclass('lienthong.' || name) IS NOT NULL;
        EXECUTE format('CREATE TABLE %I (LIKE entries INCLUDING ALL)', name);
        EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM CURRENT_USER', name);
        EXECUTE format('CREATE TRIGGER entries_last BEFORE TRUNCATE ON %I
            FOR EACH STATEMENT EXECUTE FUNCTION never_altered()', name);
        EXECUTE format('ALTER TABLE entries ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            name, number * entries_each, (number + 1) * entries_each);
    END LOOP;
    -- From where the partitions end, or where something lies that none was ready for.
    SELECT greatest(
        (SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9]+)''')::bigint)
         FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
         WHERE i.inhparent = 'lienthong.payloads'::regclass),
        (SELECT (max(r.message) / payloads_each + 1) * payloads_each FROM payloads_rest r))
    INTO first;
    WHILE first <= (messages / payloads_each + 2) * payloads_each LOOP
        name := 'payloads_' || lpad((first / payloads_each)::text, 6, '0');
        EXECUTE format('CREATE TABLE %I (LIKE payloads INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE payloads ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            name, first, first + payloads_each);
        first := first + payloads_each;
    END LOOP;
END $$;
