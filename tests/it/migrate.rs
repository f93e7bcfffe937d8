//! Older schemas are brought up by `migrate` alone, step by step, and no other store is touched.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    backend::Backend,
    cluster::{self, psql},
    harness::{Folder, Hub},
    lienthong::{root, run, stderr, stdout},
    permutations::{AGENCY, CHANNEL, Message, dossier, send_all},
};

/// Tables of the first schema whose rows are the same in the newest.
const CARRIED: &[&str] = &[
    "messages",
    "message_keys",
    "message_conflicts",
    "entries",
    "personal",
    "reference_contents",
    "rules",
    "members",
    "observations",
    "dossiers",
    "changes",
    "api_keys",
];

fn told(folder: &Folder, arguments: &[&str], code: i32) -> String {
    let output = folder.run(arguments);
    assert_eq!(output.status.code(), Some(code), "{}{}", stdout(&output), stderr(&output));
    if code == 0 { stdout(&output) } else { stderr(&output) }
}

fn python(program: &str, arguments: &[String]) {
    let done = Command::new("python3").args(["-c", program]).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", stderr(&done));
}

async fn played(folder: &Folder) -> (String, Vec<Message>) {
    let key = folder.key(AGENCY);
    let hub = Hub::start(folder).await;
    let messages: Vec<Message> = (0..20).flat_map(|one| dossier(23, one)).collect();
    send_all(&hub.sender(&key), messages.clone(), 4).await;
    hub.stop();
    (key, messages)
}

/// A store as the first version left it: its schema, with the rows of a store of today.
fn first_version(from: &Folder, to: &Folder) {
    let program = "import sqlite3, sys\n\
        sys.path.insert(0, sys.argv[5])\n\
        from store import grouped, integers\n\
        store = sqlite3.connect(sys.argv[1])\n\
        store.executescript(open(sys.argv[3]).read())\n\
        store.execute('ATTACH ? AS now', (sys.argv[2],))\n\
        for table in sys.argv[6:]:\n    \
            told = store.execute(f'PRAGMA table_info({table})')\n    \
            columns = ', '.join(row[1] for row in told)\n    \
            store.execute(f'INSERT INTO {table} SELECT {columns} FROM now.{table}')\n\
        measures = dict(store.execute('SELECT measure, text FROM now.measures'))\n\
        for position, packed in store.execute('SELECT * FROM now.deltas').fetchall():\n    \
            day = 0\n    \
            for place, measure, since, n in grouped(integers(packed), 4):\n        \
                day += since\n        \
                row = (position, day, place, measures[measure], n)\n        \
                store.execute('INSERT INTO deltas VALUES (?, ?, ?, ?, ?)', row)\n\
        store.execute('INSERT INTO head SELECT one, log_id, dedup_key, size, recorded_at, peaks,\
            messages, rules, 0 FROM now.head')\n\
        store.executescript(sys.argv[4])\n\
        store.execute('PRAGMA user_version = 1')\n\
        store.commit()";
    let first = root().join("hub/migrations/sqlite/0001_first.sql");
    let (readers, stores) = (root().join("tests/recount"), [to, from]);
    let [to, from] = stores.map(|folder| folder.path().join("hub.db").display().to_string());
    let files = [to, from, first.display().to_string()];
    let tables = CARRIED.iter().chain(&["payloads", "places"]).map(|name| (*name).to_owned());
    let rest = [OTHERWISE.to_owned(), readers.display().to_string()];
    let arguments: Vec<String> = files.into_iter().chain(rest).chain(tables).collect();
    python(program, &arguments);
}

/// As an older program counted: another number of acceptances, nothing overdue.
const OTHERWISE: &str = "UPDATE deltas SET n = n * 2 WHERE measure = 'accepted';
    DELETE FROM deltas WHERE measure = 'overdue';";

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_first_schema_is_refused_then_migrated_and_goes_on() {
    let (now, old) = (Folder::new("migrate-now"), Folder::new("migrate-old"));
    let (key, messages) = played(&now).await;
    first_version(&now, &old);
    for command in [&["serve"][..], &["verify"], &["key", "list"]] {
        let refused = told(&old, command, 1);
        assert!(refused.contains("has schema 1") && refused.contains("lienthong migrate"));
    }
    let dry = told(&old, &["migrate", "--dry-run"], 0);
    let last = last_version();
    let to_do = format!("schema 1 of {last}; to do: 2 rollups_by_number, 3 moves, 4");
    assert!(dry.starts_with(&to_do), "{dry}");
    assert!(told(&old, &["verify"], 1).contains("has schema 1"), "a dry run does nothing");
    killed_often(&old);
    let done = told(&old, &["migrate"], 0);
    let up_to_date = format!("the schema is up to date: {last}\n");
    assert!(done.ends_with(&up_to_date), "{done}");
    assert_eq!(old.verify(), now.verify());
    let hub = Hub::start(&old).await;
    let sender = hub.sender(&key);
    for message in &messages {
        let (_, body) = sender.push(CHANNEL, Some(&message.id), &message.bytes).await.unwrap();
        assert_eq!(body["outcome"], "duplicate");
    }
    hub.stop();
    assert_eq!(told(&old, &["migrate"], 0), up_to_date);
}

/// The version that a file has when nothing is left to do: a migration is a file of its own.
fn last_version() -> usize {
    let folder = root().join("hub/migrations/sqlite");
    fs::read_dir(folder).unwrap().count()
}

/// Begins migrations and ends them as power cuts would.
fn killed_often(folder: &Folder) {
    for rest in 0..10 {
        let config = folder.path().join("hub.toml");
        let mut command = Command::new(crate::lienthong::binary());
        let mut child = command
            .args(["migrate", "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(rest * 3));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_the_first_schema_is_migrated_and_its_raw_bytes_are_partitioned() {
    let (now, old) =
        (Backend::Postgres.folder("migrate_now"), Backend::Postgres.folder("migrate_old"));
    let (key, messages) = played(&now).await;
    let first = fs::read_to_string(root().join("hub/migrations/postgres/0001_first.sql")).unwrap();
    let setting = "SET search_path = lienthong;";
    psql(
        old.address(),
        &format!(
            "CREATE SCHEMA lienthong; {setting} CREATE TABLE schema (version integer NOT NULL);
         INSERT INTO schema VALUES (1); {first}
         CREATE TABLE entries_00000 PARTITION OF entries FOR VALUES FROM (0) TO (4194304)"
        ),
    );
    let carry = |table: &str, columns: &str| {
        let file = old.path().join(table).display().to_string();
        let rows = format!("SELECT {columns} FROM lienthong.{table}");
        psql(now.address(), &format!("\\copy ({rows}) TO '{file}'"));
        let into = if columns == "*" { String::new() } else { format!("({columns})") };
        psql(old.address(), &format!("\\copy lienthong.{table} {into} FROM '{file}'"));
    };
    for table in CARRIED.iter().chain(&["payloads", "deltas", "rolled"]) {
        // What came with later versions stays behind.
        carry(
            table,
            match *table {
                "observations" => "member, position",
                "api_keys" => "id, hash, principal, created_at, revoked_at",
                "messages" => {
                    "message, channel, id, previous, dedup, mode, mapping, content_type, \
                     recorded_at, next_chunk, outcome, records, refused, first_position, \
                     last_position"
                }
                "payloads" => "message, piece, salt, bytes",
                _ => "*",
            },
        );
    }
    carry("head", "one, log_id, dedup_key, size, recorded_at, peaks, messages, rules");
    let places = "place, mark, agency, procedure, field, channel, commune";
    psql(old.address(), "ALTER TABLE lienthong.places ALTER place SET GENERATED BY DEFAULT");
    carry("places", places);
    psql(
        old.address(),
        "ALTER TABLE lienthong.places ALTER place SET GENERATED ALWAYS;
        SELECT setval(pg_get_serial_sequence('lienthong.places', 'place'), 10000)",
    );
    psql(old.address(), &format!("SET search_path = lienthong; {OTHERWISE}"));
    let refused = told(&old, &["serve"], 1);
    assert!(refused.contains("has schema 1") && refused.contains("lienthong migrate"), "{refused}");
    let done = told(&old, &["migrate"], 0);
    assert!(done.contains(": done\n") && done.contains("up to date"), "{done}");
    assert_eq!(old.verify(), now.verify());
    let sql = "SELECT count(*) > 0 FROM lienthong.payloads_000000";
    assert_eq!(psql(old.address(), sql), "t", "raw bytes lie in the first partition");
    let hub = Hub::start(&old).await;
    let (_, body) =
        hub.sender(&key).push(CHANNEL, Some(&messages[0].id), &messages[0].bytes).await.unwrap();
    assert_eq!(body["outcome"], "duplicate");
    send_all(&hub.sender(&key), dossier(24, 900), 1).await;
    hub.stop();
    old.verify();
}

#[test]
fn a_newer_schema_an_altered_history_and_a_store_in_a_move_are_refused() {
    let server = Backend::Postgres.folder("migrate_refused");
    told(&server, &["migrate"], 0);
    let altered = "UPDATE lienthong.migrations SET hash = repeat('0', 64) WHERE number = 2";
    psql(server.address(), altered);
    for command in ["migrate", "verify", "serve"] {
        let refused = told(&server, &[command], 1);
        assert!(refused.contains("migration 2 (") && refused.contains("another text"), "{refused}");
    }
    psql(server.address(), "UPDATE lienthong.schema SET version = 99");
    assert!(told(&server, &["migrate"], 1).contains("schema 99"));
    let file = Folder::new("migrate-refused");
    told(&file, &["migrate"], 0);
    let sql = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1])\n\
        store.execute(sys.argv[2])\n\
        store.commit()";
    let alter = |statement: &str| {
        python(sql, &[file.path().join("hub.db").display().to_string(), statement.into()])
    };
    alter("UPDATE migrations SET hash = 'other' WHERE number = 1");
    assert!(told(&file, &["migrate"], 1).contains("migration 1 (first)"));
    alter("DELETE FROM migrations");
    file.key(AGENCY);
    let from = format!("sqlite:{}", file.path().join("hub.db").display());
    let output = run(&["move", "--from", &from, "--to", &cluster::database("migrate_moved")]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // As if this program knew one more migration.
    alter("PRAGMA user_version = 3");
    let refused = told(&file, &["migrate"], 1);
    assert!(refused.contains("takes part in a move"), "{refused}");
}
