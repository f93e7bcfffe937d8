-- When deliveries of what is addressed to somebody were settled: who asks is told so. Others leave
-- nothing behind. Times are milliseconds since 1970.
CREATE TABLE settled (
    position INTEGER NOT NULL REFERENCES entries,
    channel  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (position, channel)
) STRICT, WITHOUT ROWID;
-- Who has a file of the attachment store: who sent it, and who was sent a record that names it. The
-- bytes lie in a folder beside the store, under their digest.
CREATE TABLE attachments (
    digest     TEXT NOT NULL,
    holder     TEXT NOT NULL,
    size       INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    sent       INTEGER NOT NULL,
    since      INTEGER NOT NULL,
    PRIMARY KEY (digest, holder)
) STRICT, WITHOUT ROWID;
-- Bytes that each has sent, each file once: what a quota is asked of.
CREATE TABLE attachment_totals (
    holder TEXT PRIMARY KEY,
    bytes  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
