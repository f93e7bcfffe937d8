-- A store may be one end of a move (docs/operating.md): the one that is left, whose journal must
-- not grow any more, or the one that is filled, which is no hub's until all of it is there.
-- What is known of the move is JSON that the hub writes.

ALTER TABLE head ADD COLUMN leaving TEXT;
ALTER TABLE head ADD COLUMN arriving TEXT;

-- The fence: it holds also for a hub that was started before, whatever its version. Only the move
-- itself gets by, for it changes its own mark in the same statement.
CREATE TRIGGER head_stands BEFORE UPDATE OF size, messages, rules ON head
WHEN (OLD.leaving IS NOT NULL OR OLD.arriving IS NOT NULL)
    AND NEW.leaving IS OLD.leaving AND NEW.arriving IS OLD.arriving
BEGIN SELECT RAISE(ABORT, 'this store takes part in a move: nothing is added to it'); END;

CREATE TRIGGER keys_stay BEFORE INSERT ON api_keys
WHEN (SELECT leaving FROM head) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'this store is being moved: keys are made when it is done'); END;
CREATE TRIGGER keys_last BEFORE UPDATE ON api_keys
WHEN (SELECT leaving FROM head) IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'this store is being moved: keys are revoked when it is done'); END;
