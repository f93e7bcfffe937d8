-- Which record names which file of the attachment store: by it an erasure knows whether anything
-- else does. A text that was sealed before this table was there has a row without a digest, until
-- who has its key has read it.
CREATE TABLE named_files (
    digest   TEXT NOT NULL,
    position INTEGER NOT NULL REFERENCES entries,
    PRIMARY KEY (digest, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX named_files_by_position ON named_files (position);
INSERT INTO named_files (digest, position)
    SELECT DISTINCT json_extract(f.value, '$.digest'), p.position
    FROM personal p,
        json_each(CASE WHEN p.key_id IS NULL THEN CAST(p.text AS TEXT) END, '$.attachments') f
    WHERE p.key_id IS NULL AND instr(p.text, CAST('"attachments":' AS BLOB)) > 0
        AND json_extract(f.value, '$.digest') IS NOT NULL;
INSERT INTO named_files (digest, position)
    SELECT '', position FROM personal WHERE key_id IS NOT NULL;
-- What an erased record named, or one that was kept out: it goes, unless something else names it.
ALTER TABLE attachments ADD COLUMN doubted INTEGER NOT NULL DEFAULT 0;
CREATE INDEX attachments_doubted ON attachments (digest) WHERE doubted <> 0;
