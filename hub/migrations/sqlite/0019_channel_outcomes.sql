-- How many messages of each channel came to each outcome, and when the last of them was recorded.
CREATE TABLE channel_outcomes (
    channel  TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    messages INTEGER NOT NULL,
    last_at  TEXT NOT NULL,
    PRIMARY KEY (channel, outcome)
) STRICT, WITHOUT ROWID;

INSERT INTO channel_outcomes
SELECT channel, outcome, count(*), max(recorded_at) FROM messages WHERE outcome IS NOT NULL
GROUP BY channel, outcome;

-- Those that are being received: few.
CREATE INDEX messages_received ON messages (channel, recorded_at) WHERE outcome IS NULL;
