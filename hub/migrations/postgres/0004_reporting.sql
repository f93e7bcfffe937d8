-- What tools for reports may read: stable views over public texts and numbers, none over personal
-- ones. docs/reporting.md says how tools are let in. Columns are added at the end, never renamed,
-- never given another type.
--
-- The views run with their owner's rights, so who reads them needs none on the tables below. No
-- text that an agency wrote is cast: dates are put together from the digits of texts that the hub
-- itself has written, and what has another form is NULL.

CREATE SCHEMA reporting;

-- The JSON of a text that the hub has written. The hub takes no NUL; a text that held one all the
-- same would be NULL here instead of an error for all rows.
CREATE FUNCTION lienthong.public_json(bytes bytea) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN position('\u0000' IN convert_from(bytes, 'UTF8')) = 0
        THEN convert_from(bytes, 'UTF8')::jsonb END
$$;

-- The day in Vietnam of a moment: of a date that date, of a UTC instant the day seven hours later.
CREATE FUNCTION lienthong.day_of(moment text) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN moment ~ ('^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
            || '(T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z)?$')
        THEN make_date(substr(moment, 1, 4)::integer, substr(moment, 6, 2)::integer, 1)
            + (substr(moment, 9, 2)::integer - 1)
            + CASE WHEN substr(moment, 12, 2) >= '17' THEN 1 ELSE 0 END
    END
$$;

-- The instant of a text; NULL where it is only a date.
CREATE FUNCTION lienthong.instant_of(moment text) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN moment ~ ('^(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
            || 'T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z$')
        THEN ((make_date(substr(moment, 1, 4)::integer, substr(moment, 6, 2)::integer, 1)
            + (substr(moment, 9, 2)::integer - 1))
            + make_interval(hours => substr(moment, 12, 2)::integer,
                mins => substr(moment, 15, 2)::integer,
                secs => rtrim(substr(moment, 18), 'Z')::double precision)) AT TIME ZONE 'UTC'
    END
$$;

-- The day of a number of days since 1970-01-01, within the calendar that the hub counts in.
CREATE FUNCTION lienthong.day_numbered(number integer) RETURNS date
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT date '1970-01-01' + greatest(-700000, least(2900000, number))
$$;

-- The whole number that some digits stand for; NULL where they are none.
CREATE FUNCTION lienthong.whole(digits text) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN digits ~ '^[0-9]{1,18}$' THEN digits::bigint END
$$;

CREATE VIEW reporting.journal AS
SELECT h.log_id, h.size AS entries, lienthong.instant_of(h.recorded_at) AS last_recorded_at
FROM lienthong.head h;
COMMENT ON VIEW reporting.journal IS 'One row: the log and where it ends.';
COMMENT ON COLUMN reporting.journal.log_id IS 'The name of the log.';
COMMENT ON COLUMN reporting.journal.entries IS
    'How many entries there are: the position at which figures read now are true.';
COMMENT ON COLUMN reporting.journal.last_recorded_at IS 'When the last entry was recorded.';

CREATE VIEW reporting.statuses AS
SELECT s.status::smallint AS status, s.name_vi, s.name_en, s.is_finished
FROM (VALUES
    (1, 'Mới đăng ký', 'Submitted', false),
    (2, 'Được tiếp nhận', 'Accepted', false),
    (3, 'Không được tiếp nhận', 'Not accepted', true),
    (4, 'Đang xử lý', 'In process', false),
    (5, 'Yêu cầu bổ sung giấy tờ', 'Waiting for additional papers', false),
    (6, 'Yêu cầu thực hiện nghĩa vụ tài chính', 'Waiting for payment', false),
    (7, 'Công dân yêu cầu rút hồ sơ', 'Withdrawn', true),
    (8, 'Dừng xử lý', 'Stopped', true),
    (9, 'Đã xử lý xong', 'Result ready', true),
    (10, 'Đã trả kết quả', 'Result returned', true)
) s (status, name_vi, name_en, is_finished);
COMMENT ON VIEW reporting.statuses IS 'The ten national statuses of a dossier.';
COMMENT ON COLUMN reporting.statuses.status IS 'The national code.';
COMMENT ON COLUMN reporting.statuses.name_vi IS 'The official name.';
COMMENT ON COLUMN reporting.statuses.name_en IS 'The name in English.';
COMMENT ON COLUMN reporting.statuses.is_finished IS
    'Whether no further work is due. A province may count 8 as paused instead.';

CREATE VIEW reporting.dossiers AS
SELECT
    s.key, k.source, k.source_code, s.code,
    CASE jsonb_typeof(s.identities) WHEN 'array' THEN jsonb_array_length(s.identities) END
        AS sources,
    s.agency, s.procedure, s.procedure_source_code, s.procedure_name, s.field, s.commune,
    s.channel, n.status, n.name_vi AS status_name_vi, n.name_en AS status_name_en, s.status_raw,
    lienthong.day_of(s.status_at) AS status_on,
    lienthong.day_of(s.submitted_at) AS submitted_on,
    lienthong.day_of(s.accepted_at) AS accepted_on,
    lienthong.day_of(s.due_at) AS due_on,
    lienthong.day_of(s.first_due_at) AS first_due_on,
    lienthong.day_of(s.finished_at) AS finished_on,
    lienthong.day_of(s.returned_at) AS returned_on,
    s.unit, s.retracted = 'true' AS is_retracted, d.position AS changed_position
FROM lienthong.dossiers d
JOIN lienthong.members k ON k.member = d.dossier
CROSS JOIN LATERAL jsonb_to_record(lienthong.public_json(d.public)) s (
    key text, identities jsonb, code text, agency text, procedure text,
    procedure_source_code text, procedure_name text, field text, commune text, channel text,
    status text, status_raw text, status_at text, submitted_at text, accepted_at text,
    due_at text, first_due_at text, finished_at text, returned_at text, unit text,
    retracted text, counted text)
LEFT JOIN reporting.statuses n ON n.status = lienthong.whole(s.status)
WHERE d.public IS NOT NULL AND s.counted = 'true';
COMMENT ON VIEW reporting.dossiers IS
    'One row a dossier that counts, as it stands now. For figures use the views of numbers: they '
    'know promises, pauses and corrections.';
COMMENT ON COLUMN reporting.dossiers.key IS 'Its key: the smallest of its names, source/code.';
COMMENT ON COLUMN reporting.dossiers.source IS 'The source of that name.';
COMMENT ON COLUMN reporting.dossiers.source_code IS 'The code of that name at its source.';
COMMENT ON COLUMN reporting.dossiers.code IS 'National code; NULL where it has none.';
COMMENT ON COLUMN reporting.dossiers.sources IS 'How many sources speak of it.';
COMMENT ON COLUMN reporting.dossiers.agency IS 'Accepting agency, by its id in the hub.';
COMMENT ON COLUMN reporting.dossiers.procedure IS 'National procedure code.';
COMMENT ON COLUMN reporting.dossiers.procedure_source_code IS
    'The agency''s own code of the procedure.';
COMMENT ON COLUMN reporting.dossiers.procedure_name IS 'Name of the procedure.';
COMMENT ON COLUMN reporting.dossiers.field IS 'Field (lĩnh vực).';
COMMENT ON COLUMN reporting.dossiers.commune IS 'Commune code that was valid on its date.';
COMMENT ON COLUMN reporting.dossiers.channel IS 'How it was filed: online, counter or post.';
COMMENT ON COLUMN reporting.dossiers.status IS 'National status, 1 to 10.';
COMMENT ON COLUMN reporting.dossiers.status_name_vi IS 'The official name of the status.';
COMMENT ON COLUMN reporting.dossiers.status_name_en IS 'The name of the status in English.';
COMMENT ON COLUMN reporting.dossiers.status_raw IS 'The source''s own word for the status.';
COMMENT ON COLUMN reporting.dossiers.status_on IS 'Day in Vietnam on which it took that status.';
COMMENT ON COLUMN reporting.dossiers.submitted_on IS 'Day in Vietnam on which it was filed.';
COMMENT ON COLUMN reporting.dossiers.accepted_on IS 'Day in Vietnam on which it was accepted.';
COMMENT ON COLUMN reporting.dossiers.due_on IS 'Day in Vietnam that is promised now.';
COMMENT ON COLUMN reporting.dossiers.first_due_on IS
    'Day in Vietnam that was promised first.';
COMMENT ON COLUMN reporting.dossiers.finished_on IS
    'Day in Vietnam on which its decision was ready, where a source says so.';
COMMENT ON COLUMN reporting.dossiers.returned_on IS
    'Day in Vietnam on which its result was handed over.';
COMMENT ON COLUMN reporting.dossiers.unit IS 'Unit that handles it now.';
COMMENT ON COLUMN reporting.dossiers.is_retracted IS
    'Whether every source has withdrawn it: it is counted nowhere then.';
COMMENT ON COLUMN reporting.dossiers.changed_position IS
    'Position of the journal that last changed it.';

CREATE VIEW reporting.messages AS
SELECT
    m.message, m.channel, split_part(m.channel, '.', 1) AS agency, m.id AS message_id, m.mode,
    lienthong.instant_of(m.recorded_at) AS received_at,
    lienthong.day_of(m.recorded_at) AS received_on,
    coalesce(m.outcome, 'receiving') AS outcome, m.records, m.refused, m.previous,
    m.first_position, m.last_position
FROM lienthong.messages m;
COMMENT ON VIEW reporting.messages IS 'One row an attempt to send a message that was kept.';
COMMENT ON COLUMN reporting.messages.message IS 'The hub''s number of the attempt.';
COMMENT ON COLUMN reporting.messages.channel IS 'The channel, as agency.channel.';
COMMENT ON COLUMN reporting.messages.agency IS 'The agency of the channel.';
COMMENT ON COLUMN reporting.messages.message_id IS 'The message''s id within its channel.';
COMMENT ON COLUMN reporting.messages.mode IS
    'live, trial (counted nowhere) or backfill (history taken over).';
COMMENT ON COLUMN reporting.messages.received_at IS 'When the hub recorded it.';
COMMENT ON COLUMN reporting.messages.received_on IS 'The same as a day in Vietnam.';
COMMENT ON COLUMN reporting.messages.outcome IS
    'stored, partial, refused, conflict, or receiving while a large one comes in. A duplicate '
    'repeats an outcome and is no row.';
COMMENT ON COLUMN reporting.messages.records IS 'How many of its records were stored.';
COMMENT ON COLUMN reporting.messages.refused IS 'How many of its records were refused.';
COMMENT ON COLUMN reporting.messages.previous IS 'The attempt before it under the same id.';
COMMENT ON COLUMN reporting.messages.first_position IS 'Position of its first entry.';
COMMENT ON COLUMN reporting.messages.last_position IS 'Position of its last entry.';

CREATE VIEW reporting.outcomes AS
SELECT
    m.channel, m.agency, m.received_on, m.mode, m.outcome, count(*) AS messages,
    sum(m.records)::bigint AS records, sum(m.refused)::bigint AS refused,
    max(m.received_at) AS last_received_at
FROM reporting.messages m
GROUP BY m.channel, m.agency, m.received_on, m.mode, m.outcome;
COMMENT ON VIEW reporting.outcomes IS 'What became of messages, by channel and day.';
COMMENT ON COLUMN reporting.outcomes.channel IS 'The channel, as agency.channel.';
COMMENT ON COLUMN reporting.outcomes.agency IS 'The agency of the channel.';
COMMENT ON COLUMN reporting.outcomes.received_on IS
    'Day in Vietnam on which they were recorded.';
COMMENT ON COLUMN reporting.outcomes.mode IS 'live, trial or backfill.';
COMMENT ON COLUMN reporting.outcomes.outcome IS 'As in messages.';
COMMENT ON COLUMN reporting.outcomes.messages IS 'How many messages.';
COMMENT ON COLUMN reporting.outcomes.records IS 'How many of their records were stored.';
COMMENT ON COLUMN reporting.outcomes.refused IS 'How many of their records were refused.';
COMMENT ON COLUMN reporting.outcomes.last_received_at IS 'When the last of them was recorded.';

CREATE VIEW reporting.records AS
SELECT
    e.position, lienthong.instant_of(t.recorded_at) AS recorded_at,
    lienthong.day_of(t.recorded_at) AS recorded_on, e.kind, e.mode, m.channel,
    split_part(m.channel, '.', 1) AS agency, e.message, e.record, t.contract, t.key,
    lienthong.whole(t.supersedes) AS supersedes,
    CASE WHEN e.kind IN ('observation', 'retraction') THEN lienthong.public_json(e.public) END
        AS body
FROM lienthong.entries e
LEFT JOIN lienthong.messages m ON m.message = e.message
CROSS JOIN LATERAL jsonb_to_record(lienthong.public_json(e.text)) t (
    recorded_at text, contract text, key text, supersedes text);
COMMENT ON VIEW reporting.records IS 'One row an entry of the journal, in its order.';
COMMENT ON COLUMN reporting.records.position IS 'Its position.';
COMMENT ON COLUMN reporting.records.recorded_at IS 'When the hub recorded it.';
COMMENT ON COLUMN reporting.records.recorded_on IS 'The same as a day in Vietnam.';
COMMENT ON COLUMN reporting.records.kind IS
    'observation, retraction, link, refusal, decision, freeze, erasure or reference.';
COMMENT ON COLUMN reporting.records.mode IS 'live, trial or backfill.';
COMMENT ON COLUMN reporting.records.channel IS 'The channel it came by; NULL for the hub''s own.';
COMMENT ON COLUMN reporting.records.agency IS 'The agency of the channel.';
COMMENT ON COLUMN reporting.records.message IS 'The attempt it came by, as in messages.';
COMMENT ON COLUMN reporting.records.record IS 'Number of the record in its payload, from 1.';
COMMENT ON COLUMN reporting.records.contract IS 'Its contract, such as dossier/1.';
COMMENT ON COLUMN reporting.records.key IS 'Its key within its source.';
COMMENT ON COLUMN reporting.records.supersedes IS 'Position of the entry that it replaces.';
COMMENT ON COLUMN reporting.records.body IS
    'The public side of the record, by its contract; NULL for other kinds.';

CREATE VIEW reporting.refusals AS
SELECT
    e.position, lienthong.day_of(m.recorded_at) AS received_on, m.channel,
    split_part(m.channel, '.', 1) AS agency, m.mode, e.message,
    lienthong.whole(r.value ->> 'record') AS record, p.value ->> 'code' AS problem,
    p.value ->> 'pointer' AS member, p.value #>> '{place,path}' AS native_path,
    lienthong.whole(p.value #>> '{place,line}') AS line
FROM lienthong.entries e
JOIN lienthong.messages m ON m.message = e.message
CROSS JOIN LATERAL (SELECT lienthong.public_json(e.public) AS list OFFSET 0) j
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(j.list) WHEN 'array' THEN j.list END) r
CROSS JOIN LATERAL jsonb_array_elements(
    CASE jsonb_typeof(r.value -> 'problems') WHEN 'array' THEN r.value -> 'problems' END) p
WHERE e.kind = 'refusal';
COMMENT ON VIEW reporting.refusals IS 'One row a problem of a refused record, without values.';
COMMENT ON COLUMN reporting.refusals.position IS 'Position of the entry that tells of it.';
COMMENT ON COLUMN reporting.refusals.received_on IS
    'Day in Vietnam on which the message was recorded.';
COMMENT ON COLUMN reporting.refusals.channel IS 'The channel, as agency.channel.';
COMMENT ON COLUMN reporting.refusals.agency IS 'The agency of the channel.';
COMMENT ON COLUMN reporting.refusals.mode IS 'live, trial or backfill.';
COMMENT ON COLUMN reporting.refusals.message IS 'The attempt, as in messages.';
COMMENT ON COLUMN reporting.refusals.record IS 'Number of the record in its payload, from 1.';
COMMENT ON COLUMN reporting.refusals.problem IS 'Stable code of the problem, such as bad-date.';
COMMENT ON COLUMN reporting.refusals.member IS
    'JSON pointer of the contract''s member concerned; empty where it is none.';
COMMENT ON COLUMN reporting.refusals.native_path IS 'Name of the field in the agency''s file.';
COMMENT ON COLUMN reporting.refusals.line IS 'Line of the payload, from 1.';

CREATE VIEW reporting.statistics AS
SELECT
    lienthong.day_numbered(d.day) AS day, nullif(p.agency, '') AS agency,
    nullif(p.procedure, '') AS procedure, nullif(p.field, '') AS field,
    nullif(p.channel, '') AS channel, nullif(p.commune, '') AS commune,
    regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status,
    d.measure ~ '^(open|paused|overdue|in-status.*)$' AS is_gauge, d.n
FROM (SELECT place, measure, day, sum(n)::bigint AS n FROM lienthong.deltas
      GROUP BY place, measure, day HAVING sum(n) <> 0) d
JOIN lienthong.places p ON p.place = d.place;
COMMENT ON VIEW reporting.statistics IS
    'All numbers in all dimensions. A flow is what happened on a day. A gauge is given by its '
    'changes: its value on a day is the sum of n up to that day. Reads every change there is; '
    'statistics_by_day is quicker.';
COMMENT ON COLUMN reporting.statistics.day IS 'Day in Vietnam.';
COMMENT ON COLUMN reporting.statistics.agency IS 'Accepting agency.';
COMMENT ON COLUMN reporting.statistics.procedure IS 'National procedure code.';
COMMENT ON COLUMN reporting.statistics.field IS 'Field (lĩnh vực).';
COMMENT ON COLUMN reporting.statistics.channel IS 'How dossiers were filed.';
COMMENT ON COLUMN reporting.statistics.commune IS 'Commune code.';
COMMENT ON COLUMN reporting.statistics.measure IS
    'What is counted: submitted, accepted, finished-early, finished-on-time, finished-late, '
    'first-promise-early, first-promise-on-time, first-promise-late, refused, withdrawn, '
    'returned; as gauges open, paused, overdue, in-status.';
COMMENT ON COLUMN reporting.statistics.status IS
    'Which status, for refused and in-status; else NULL.';
COMMENT ON COLUMN reporting.statistics.is_gauge IS 'Whether n is a change of a gauge.';
COMMENT ON COLUMN reporting.statistics.n IS 'How many, or how many more or fewer.';

-- The sums there are, and the changes that they lack yet, in no span: they are in no sum of a month
-- or a year either. In one statement both are of one moment.
CREATE VIEW lienthong.numbers_by_day AS
SELECT r.day, r.outer_key AS agency, r.inner_key AS procedure, r.measure, r.n, r.span
FROM lienthong.rollups r WHERE r.level = 3
UNION ALL
SELECT d.day, p.agency, p.procedure, d.measure, d.n, NULL
FROM lienthong.rolled o
JOIN lienthong.deltas d ON d.position >= o.position
JOIN lienthong.places p ON p.place = d.place;

CREATE VIEW reporting.statistics_by_day AS
SELECT
    lienthong.day_numbered(d.day) AS day, nullif(d.agency, '') AS agency,
    nullif(d.procedure, '') AS procedure, regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status,
    d.measure ~ '^(open|paused|overdue|in-status.*)$' AS is_gauge, d.n
FROM (SELECT day, agency, procedure, measure, sum(n)::bigint AS n FROM lienthong.numbers_by_day
      WHERE span = 0 OR span IS NULL
      GROUP BY day, agency, procedure, measure HAVING sum(n) <> 0) d;
COMMENT ON VIEW reporting.statistics_by_day IS
    'The numbers of statistics by day, agency and procedure, out of sums that the hub keeps.';
COMMENT ON COLUMN reporting.statistics_by_day.day IS 'Day in Vietnam.';
COMMENT ON COLUMN reporting.statistics_by_day.agency IS 'Accepting agency.';
COMMENT ON COLUMN reporting.statistics_by_day.procedure IS 'National procedure code.';
COMMENT ON COLUMN reporting.statistics_by_day.measure IS 'As in statistics.';
COMMENT ON COLUMN reporting.statistics_by_day.status IS 'As in statistics.';
COMMENT ON COLUMN reporting.statistics_by_day.is_gauge IS 'Whether n is a change of a gauge.';
COMMENT ON COLUMN reporting.statistics_by_day.n IS 'How many, or how many more or fewer.';

CREATE VIEW reporting.gauges_today AS
SELECT
    nullif(d.agency, '') AS agency, nullif(d.procedure, '') AS procedure,
    regexp_replace(d.measure, '-[0-9]{1,2}$', '') AS measure,
    substring(d.measure FROM '-([0-9]{1,2})$')::smallint AS status, d.n
FROM (
    SELECT b.agency, b.procedure, b.measure, sum(b.n)::bigint AS n
    FROM (SELECT (now() AT TIME ZONE 'UTC' + interval '7 hours')::date AS today) t
    CROSS JOIN LATERAL (SELECT t.today - date '1970-01-01' AS today,
        date_trunc('month', t.today::timestamp)::date - date '1970-01-01' AS month,
        date_trunc('year', t.today::timestamp)::date - date '1970-01-01' AS year) f
    JOIN lienthong.numbers_by_day b ON b.span = 2 AND b.day < f.year
        OR b.span = 1 AND b.day >= f.year AND b.day < f.month
        OR b.span = 0 AND b.day >= f.month AND b.day <= f.today
        OR b.span IS NULL AND b.day <= f.today
    WHERE b.measure ~ '^(open|paused|overdue|in-status.*)$'
    GROUP BY b.agency, b.procedure, b.measure HAVING sum(b.n) <> 0) d;
COMMENT ON VIEW reporting.gauges_today IS
    'How many dossiers are open, paused, overdue and in each status today.';
COMMENT ON COLUMN reporting.gauges_today.agency IS 'Accepting agency.';
COMMENT ON COLUMN reporting.gauges_today.procedure IS 'National procedure code.';
COMMENT ON COLUMN reporting.gauges_today.measure IS 'open, paused, overdue or in-status.';
COMMENT ON COLUMN reporting.gauges_today.status IS 'Which status, for in-status.';
COMMENT ON COLUMN reporting.gauges_today.n IS 'How many dossiers at the end of today.';
