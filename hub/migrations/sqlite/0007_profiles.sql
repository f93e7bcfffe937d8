-- What channels send, as data (docs/drift.md): no fold of the journal, but counts of raw bytes that
-- were looked at once; `rebuild` leaves them, for raw bytes may have been pruned since.

-- One row: the message that is looked at next. None before the first is.
CREATE TABLE profiled (
    one  INTEGER PRIMARY KEY CHECK (one = 1),
    next INTEGER NOT NULL
) STRICT;

-- The profile of a channel in a period, a day or a month, as JSON.
CREATE TABLE profiles (
    channel TEXT NOT NULL,
    period  TEXT NOT NULL,
    profile TEXT NOT NULL,
    PRIMARY KEY (channel, period)
) STRICT, WITHOUT ROWID;
