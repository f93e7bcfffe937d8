-- How many messages of each channel came to each outcome, the same as on SQLite.
CREATE TABLE channel_outcomes (
    channel  text COLLATE "C" NOT NULL,
    outcome  text COLLATE "C" NOT NULL,
    messages bigint NOT NULL,
    last_at  text COLLATE "C" NOT NULL,
    PRIMARY KEY (channel, outcome)
) WITH (fillfactor = 50);

INSERT INTO channel_outcomes
SELECT channel, outcome, count(*), max(recorded_at) FROM messages WHERE outcome IS NOT NULL
GROUP BY channel, outcome;

-- Those that are being received: few.
CREATE INDEX messages_received ON messages (channel, recorded_at) WHERE outcome IS NULL;
