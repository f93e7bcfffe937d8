-- What became of what is addressed to somebody, and who has which attachment, the same as on
-- SQLite: that file says what each table and column is for.
CREATE TABLE settled (
    position bigint NOT NULL,
    channel  text COLLATE "C" NOT NULL,
    at       bigint NOT NULL,
    PRIMARY KEY (position, channel)
);
CREATE TABLE attachments (
    digest     text COLLATE "C" NOT NULL,
    holder     text COLLATE "C" NOT NULL,
    size       bigint NOT NULL,
    media_type text NOT NULL,
    sent       bigint NOT NULL,
    since      bigint NOT NULL,
    PRIMARY KEY (digest, holder)
);
CREATE TABLE attachment_totals (
    holder text COLLATE "C" PRIMARY KEY,
    bytes  bigint NOT NULL
);
