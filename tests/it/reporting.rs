//! What reporting tools are let to read: stable, documented, exact, and nothing personal.

mod page;

use std::{collections::BTreeMap, process::Command};

use serde_json::Value;

use crate::{
    backend::Backend,
    cluster::psql,
    harness::{Folder, Hub, Sender},
    lienthong::stderr,
    permutations::{AGENCY, CHANNEL, dossier, send_all},
};

/// The views, their columns and types: readers depend on them. Columns may be added at the end.
const VIEWS: &[(&str, &str)] = &[
    (
        "dossiers",
        "key text, source text, source_code text, code text, sources integer, agency text, \
         procedure text, procedure_source_code text, procedure_name text, field text, \
         commune text, channel text, status smallint, status_name_vi text, status_name_en text, \
         status_raw text, status_on date, submitted_on date, accepted_on date, due_on date, \
         first_due_on date, finished_on date, returned_on date, unit text, is_retracted boolean, \
         changed_position bigint",
    ),
    ("gauges_today", "agency text, procedure text, measure text, status smallint, n bigint"),
    ("journal", "log_id text, entries bigint, last_recorded_at timestamp with time zone"),
    (
        "messages",
        "message bigint, channel text, agency text, message_id text, mode text, \
         received_at timestamp with time zone, received_on date, outcome text, records bigint, \
         refused bigint, previous bigint, first_position bigint, last_position bigint",
    ),
    (
        "outcomes",
        "channel text, agency text, received_on date, mode text, outcome text, messages bigint, \
         records bigint, refused bigint, last_received_at timestamp with time zone",
    ),
    (
        "records",
        "position bigint, recorded_at timestamp with time zone, recorded_on date, kind text, \
         mode text, channel text, agency text, message bigint, record bigint, contract text, \
         key text, supersedes bigint, body jsonb",
    ),
    (
        "refusals",
        "position bigint, received_on date, channel text, agency text, mode text, \
         message bigint, record bigint, problem text, member text, native_path text, line bigint",
    ),
    (
        "statistics",
        "day date, agency text, procedure text, field text, channel text, commune text, \
         measure text, status smallint, is_gauge boolean, n bigint",
    ),
    (
        "statistics_by_day",
        "day date, agency text, procedure text, measure text, status smallint, \
         is_gauge boolean, n bigint",
    ),
    ("statuses", "status smallint, name_vi text, name_en text, is_finished boolean"),
];

/// The same database for another role; the servers of tests have one password.
fn as_role(address: &str, role: &str) -> String {
    address.replacen("//lienthong:", &format!("//{role}:"), 1)
}

/// What the server answers to a statement that it must refuse.
fn refused(address: &str, sql: &str) -> String {
    let output = Command::new("psql").args(["-qAt", "-d", address, "-c", sql]).output().unwrap();
    assert!(!output.status.success(), "{sql} is not refused");
    stderr(&output)
}

/// A hub's database that has heard of some dossiers, with a refusal and a conflict; its address as
/// a tool would have it.
async fn played(name: &str) -> (Folder, String, Vec<String>) {
    let folder = Backend::Postgres.folder(name);
    let keys = [AGENCY, "portal"].map(|principal| folder.key(principal));
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&keys[0]);
    send_all(&sender, (0..80).flat_map(|one| dossier(5, one)).collect(), 4).await;
    for (id, bytes) in [("bad", "{\"maHoSo\": \"BH.HT.24.000001\"}"), ("m-1-0", "{}")] {
        sender.push(CHANNEL, Some(id), bytes.as_bytes()).await.unwrap();
    }
    hub.stop();
    let tool = format!("tool_{}_{name}", std::process::id());
    let let_in = page::letting_in(&tool, folder.address());
    psql(&as_role(folder.address(), "postgres"), &let_in);
    let address = as_role(folder.address(), &tool);
    (folder, address, keys.into())
}

fn views(address: &str) -> Vec<String> {
    let sql = "SELECT viewname FROM pg_views WHERE schemaname = 'reporting' ORDER BY viewname";
    psql(address, sql).lines().map(ToOwned::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_views_are_what_was_promised_and_every_column_is_documented() {
    let (_folder, address, _) = played("views").await;
    assert_eq!(views(&address), VIEWS.iter().map(|(name, _)| *name).collect::<Vec<_>>());
    let document = page::page();
    for (view, promised) in VIEWS {
        let sql = format!(
            "SELECT string_agg(attname || ' ' || format_type(atttypid, NULL), ', ' ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = 'reporting.{view}'::regclass AND attnum > 0"
        );
        let found = psql(&address, &sql);
        assert!(found.starts_with(promised), "{view}: {found}");
        let sql = format!(
            "SELECT string_agg(attname, ' ') FROM pg_attribute
             WHERE attrelid = 'reporting.{view}'::regclass AND attnum > 0
               AND coalesce(col_description(attrelid, attnum), '') = ''
             UNION ALL SELECT '{view}' WHERE obj_description('reporting.{view}'::regclass) IS NULL"
        );
        assert_eq!(psql(&address, &sql), "", "{view} has columns without a comment");
        assert!(document.contains(&format!("`reporting.{view}`")), "{view} is not documented");
    }
}

/// Everything that a tool can read, as text.
fn all_that_is_read(address: &str) -> String {
    let tables = views(address);
    let read = tables.iter().map(|view| psql(address, &format!("SELECT * FROM reporting.{view}")));
    read.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_reached_and_no_table_below() {
    let (folder, address, _) = played("personal").await;
    let personal = psql(
        folder.address(),
        "SELECT string_agg(convert_from(text, 'UTF8'), ' ') FROM lienthong.personal",
    );
    let texts =
        ["Nguyễn Thị Kiểm Thử", "270999071", "0900000171", "tổ 31, khu phố 5", "1987-05-12"];
    let read = all_that_is_read(&address);
    assert!(
        read.contains("BH.HT.24.000001")
            && read.contains("undecided-record")
            && read.contains("26032")
    );
    for text in texts {
        assert!(personal.contains(text), "{text} is not in {personal}: the test tells nothing");
        assert!(!read.contains(text), "{text} is read");
    }
    for name in ["applicant", "officer", "note", "subject", "attributes", "salt", "bytes"] {
        let named = VIEWS.iter().any(|(_, columns)| columns.contains(&format!("{name} ")));
        assert!(!named, "{name}");
    }
    let sql = "SELECT string_agg(c.oid::regclass::text, ' ') FROM pg_class c
               WHERE c.relnamespace = 'lienthong'::regnamespace AND c.relkind IN ('r', 'p', 'v')
                 AND has_table_privilege(c.oid,
                     'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')";
    assert_eq!(psql(&address, sql), "", "tables below that the tool has a right on");
    for sql in [
        "SELECT * FROM lienthong.personal",
        "SELECT * FROM lienthong.payloads",
        "SELECT dedup_key FROM lienthong.head",
        "DELETE FROM reporting.messages",
        "CREATE TABLE reporting.own (one integer)",
        "CREATE VIEW lienthong.own AS SELECT 1",
    ] {
        let told = refused(&address, sql);
        assert!(told.contains("permission denied") || told.contains("read-only"), "{sql}: {told}");
    }
}

/// Numbers that a hub tells, by measure: flows of a year, gauges at its end.
async fn told(portal: &Sender, to: &str, measures: &[&str]) -> BTreeMap<String, i64> {
    let path = format!("/v1/statistics?from=2024-01-01&to={to}&by=procedure");
    let body = portal.found(&path).await;
    let mut sums = BTreeMap::new();
    for row in body["rows"].as_array().unwrap() {
        for measure in measures {
            let n = row["measures"][*measure].as_i64().unwrap_or(0);
            *sums.entry((*measure).to_owned()).or_default() += n;
        }
    }
    sums
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_and_dossiers_are_those_that_the_hub_tells() {
    let (folder, address, keys) = played("numbers").await;
    let hub = Hub::start(&folder).await;
    let measures = ["accepted", "returned", "open", "overdue"];
    let portal = hub.sender(&keys[1]);
    let expected = told(&portal, "2024-12-31", &measures).await;
    assert!(expected.values().all(|n| *n > 0), "{expected:?}");
    for view in ["statistics", "statistics_by_day"] {
        for (measure, n) in &expected {
            let gauge = matches!(measure.as_str(), "open" | "overdue");
            let from = if gauge { "-infinity" } else { "2024-01-01" };
            let sql = format!(
                "SELECT sum(n) FROM reporting.{view} WHERE measure = '{measure}'
                 AND day BETWEEN '{from}' AND '2024-12-31'"
            );
            assert_eq!(psql(&address, &sql), n.to_string(), "{view} {measure}");
        }
    }
    // The histories end in the spring: today's gauges are those of then.
    let today = told(&portal, "2025-06-30", &["open"]).await;
    let sql = "SELECT sum(n) FROM reporting.gauges_today WHERE measure = 'open'";
    assert_eq!(psql(&address, sql), today["open"].to_string());
    let sql = "SELECT count(*), count(accepted_on), min(due_on - accepted_on) > 0,
                      count(*) FILTER (WHERE status_name_vi IS NULL) FROM reporting.dossiers";
    assert_eq!(psql(&address, sql), "80|80|t|0");
    let one: Value = hub.sender(&keys[1]).found("/v1/dossiers/BH.HT.24.000007").await;
    let state = &one["dossier"];
    let sql = "SELECT status, accepted_on, procedure_name FROM reporting.dossiers
               WHERE source_code = 'BH.HT.24.000007'";
    // The day in Vietnam of an instant.
    let accepted: jiff::Timestamp = state["accepted_at"].as_str().unwrap().parse().unwrap();
    let accepted = jiff::tz::TimeZone::fixed(jiff::tz::offset(7)).to_datetime(accepted).date();
    let name = state["procedure_name"].as_str().unwrap();
    assert_eq!(psql(&address, sql), format!("{}|{accepted}|{name}", state["status"]));
    let sql = "SELECT outcome, sum(messages), sum(refused) FROM reporting.outcomes
               WHERE outcome <> 'stored' GROUP BY outcome ORDER BY outcome";
    assert_eq!(psql(&address, sql), "conflict|1|1\nrefused|1|1");
    let sql = "SELECT count(*) > 0, count(problem) = count(*) FROM reporting.refusals";
    assert_eq!(psql(&address, sql), "t|t");
    page::leads_an_analyst(&folder, &address, [&hub.sender(&keys[0]), &portal]).await;
    hub.stop();
    // With nothing rolled up, the views add all that the sums lack.
    let open = "SELECT (SELECT sum(n) FROM reporting.gauges_today WHERE measure = 'open'),
                       (SELECT sum(n) FROM reporting.statistics_by_day WHERE measure = 'open')";
    let before = psql(&address, open);
    psql(
        folder.address(),
        "DELETE FROM lienthong.rollups; UPDATE lienthong.rolled SET position = 0",
    );
    assert_eq!(psql(&address, open), before);
}

/// What the hub writes, and what nobody should: no form of a moment makes a query fail.
#[test]
fn no_text_makes_a_date_fail() {
    let folder = Backend::Postgres.folder("dates");
    assert_eq!(folder.run(&["migrate"]).status.code(), Some(0));
    for (text, day, instant) in [
        ("2024-02-29", "2024-02-29", ""),
        ("2024-02-29T16:59:59Z", "2024-02-29", "2024-02-29 16:59:59+00"),
        ("2024-02-29T17:00:00Z", "2024-03-01", "2024-02-29 17:00:00+00"),
        ("2023-12-31T23:59:59.123456789Z", "2024-01-01", "2023-12-31 23:59:59.123457+00"),
        ("0001-01-01", "0001-01-01", ""),
        ("9999-12-31", "9999-12-31", ""),
        ("0000-01-01", "", ""),
        ("-0044-03-15", "", ""),
        ("2024-13-01", "", ""),
        ("2024-01-32", "", ""),
        ("2024-01-01T25:00:00Z", "", ""),
        ("infinity", "", ""),
        ("now", "", ""),
        ("31/02/2013", "", ""),
        ("٢٠٢٤-٠١-٠١", "", ""),
    ] {
        let sql = format!(
            "SET TimeZone = 'UTC'; SET DateStyle = 'ISO';
             SELECT lienthong.day_of('{text}'), lienthong.instant_of('{text}')"
        );
        assert_eq!(psql(folder.address(), &sql), format!("{day}|{instant}"), "{text}");
    }
    let sql = "SELECT lienthong.whole('12'), lienthong.whole('-1'),
                      lienthong.whole('99999999999999999999'),
                      lienthong.day_numbered(2147483647), lienthong.day_numbered(-2147483648),
                      lienthong.public_json(convert_to('{\"a\":\"\\u0000\"}', 'UTF8'))";
    assert_eq!(psql(folder.address(), sql), "12|||9909-12-07|0053-06-19|");
}
