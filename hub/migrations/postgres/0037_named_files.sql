-- Which record names which file of the attachment store, and which files may have to go: the same as
-- on SQLite, whose file says what for.
CREATE TABLE named_files (
    digest   text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    PRIMARY KEY (digest, position)
);
CREATE INDEX named_files_by_position ON named_files (position);
-- As json and not as jsonb, which takes no text with U+0000 in it.
INSERT INTO named_files (digest, position)
    SELECT DISTINCT f.value ->> 'digest', p.position
    FROM personal p, LATERAL json_array_elements(
        CASE WHEN p.key_id IS NULL THEN convert_from(p.text, 'UTF8')::json -> 'attachments' END) f
    WHERE p.key_id IS NULL AND position('"attachments":'::bytea IN p.text) > 0
        AND f.value ->> 'digest' IS NOT NULL;
INSERT INTO named_files (digest, position)
    SELECT '', position FROM personal WHERE key_id IS NOT NULL;
ALTER TABLE attachments ADD COLUMN doubted bigint NOT NULL DEFAULT 0;
CREATE INDEX attachments_doubted ON attachments (digest) WHERE doubted <> 0;
