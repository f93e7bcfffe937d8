-- What of a snapshot still bears on its dossier when a later one has replaced it, so that a long
-- history is not read again for every message. Absent for what is always read whole, and for
-- observations from before this version, until `rebuild` makes them anew.
ALTER TABLE observations ADD COLUMN short bytea;

-- Raw bytes are written for every message, and PostgreSQL's own way to make them smaller costs more
-- than all else that their row does. Where the server was built without the quicker one, it stays.
-- A partition does not take it over from its table.
DO $$
DECLARE
    part regclass;
BEGIN
    FOR part IN SELECT relid FROM pg_partition_tree('lienthong.payloads') LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN bytes SET COMPRESSION lz4', part);
    END LOOP;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;
