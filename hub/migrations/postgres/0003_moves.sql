-- A store may be one end of a move; the file of the same name for SQLite says what this is for.

ALTER TABLE head ADD COLUMN leaving text, ADD COLUMN arriving text;

CREATE FUNCTION takes_part_in_a_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'this store takes part in a move: nothing is added to it'
        USING ERRCODE = 'read_only_sql_transaction';
END $$;
CREATE TRIGGER head_stands BEFORE UPDATE OF size, messages, rules ON head FOR EACH ROW
    WHEN ((OLD.leaving IS NOT NULL OR OLD.arriving IS NOT NULL)
        AND NEW.leaving IS NOT DISTINCT FROM OLD.leaving
        AND NEW.arriving IS NOT DISTINCT FROM OLD.arriving)
    EXECUTE FUNCTION takes_part_in_a_move();

CREATE FUNCTION keys_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    mark text;
BEGIN
    -- Locked, so that a move begins before this key or after it.
    SELECT leaving INTO mark FROM head FOR SHARE;
    IF mark IS NOT NULL THEN
        RAISE EXCEPTION 'this store is being moved: keys are made and revoked when it is done'
            USING ERRCODE = 'read_only_sql_transaction';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER keys_stay BEFORE INSERT OR UPDATE ON api_keys
    FOR EACH ROW EXECUTE FUNCTION keys_stay();
