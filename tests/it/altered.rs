//! Somebody who may write to the file alters one byte of it, in each column of the history and of
//! what is folded of it, one after the other. `verify` tells it, and of the history it says where.

use std::{fs, process::Command};

use crate::{
    harness::{Folder, Hub},
    lienthong::{stderr, stdout},
    permutations::{AGENCY, dossier, send_all},
};

/// Prints `table column` for each column of the tables.
const COLUMNS: &str = "
import sqlite3, sys
store = sqlite3.connect(sys.argv[1])
for table in sys.argv[2:]:
    for told in store.execute(f'PRAGMA table_info({table})'):
        print(table, told[1])
";

/// Alters one byte of one column: of the value that most rows have, of such in the row in the
/// middle; prints nothing where there is no row. A place whose numbers come to nothing again is
/// compared with nothing, so what few rows have may be altered without a word.
const ALTERS: &str = "
import collections, sqlite3, sys
file, table, column = sys.argv[1:]
store = sqlite3.connect(file)
store.execute('PRAGMA ignore_check_constraints = ON')
for (name,) in store.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\").fetchall():
    store.execute(f'DROP TRIGGER {name}')
rows = store.execute(f'SELECT {column} FROM {table} WHERE {column} IS NOT NULL').fetchall()
if rows:
    often = collections.Counter(value for (value,) in rows)
    most = [value for (value,) in rows if often[value] == max(often.values())]
    was = most[len(most) // 2]
    if isinstance(was, int):
        now = was ^ (1 << 20)
    else:
        octets = bytearray(was if isinstance(was, bytes) else was.encode())
        if not octets:
            octets = bytearray(b'0')
        else:
            octets[len(octets) // 2] ^= 1
        now = bytes(octets) if isinstance(was, bytes) else octets.decode('utf-8', 'replace')
    again = store.execute(f'SELECT count(*) FROM {table} WHERE {column} IS ?', (was,)).fetchone()
    store.execute(f'UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} IS ?', (now, was))
    store.commit()
    print(repr(was)[:60], 'is', repr(now)[:60], 'in', again[0], 'rows')
";

/// The journal, what it commits to, and what is folded of it.
const TABLES: [&str; 12] = [
    "head",
    "entries",
    "personal",
    "payloads",
    "reference_contents",
    "rules",
    "members",
    "observations",
    "dossiers",
    "changes",
    "deltas",
    "places",
];

/// What is altered without a word of `verify`: nothing that an entry commits to.
const UNTOLD: [&str; 14] = [
    // The hub's own, for its work: the time and number that come next, …
    "head one",
    "head dedup_key",
    "head recorded_at",
    "head messages",
    "head pruned",
    "head refold",
    // The text of the entry says it; this is what it came by, and a mode that nobody reads.
    "entries message",
    "entries record",
    "entries mode",
    // What `rebuild` makes anew, and is not compared: which dossiers changed where.
    "rules position",
    "members dossier",
    "dossiers position",
    "changes position",
    "changes dossier",
];

/// What is told where sums were not as far as the journal when the hub ended, and not otherwise.
const AT_TIMES: &str = "head rolled";

/// What names the very entry.
const NAMED: [&str; 7] = [
    "entries text",
    "entries public",
    "entries kind",
    "personal salt",
    "personal text",
    "payloads salt",
    "payloads bytes",
];

fn python(program: &str, arguments: &[&str]) -> String {
    let done = Command::new("python3").args(["-c", program]).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", stderr(&done));
    stdout(&done)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_byte_altered_is_told_and_of_the_history_its_entry_too() {
    let folder = Folder::new("altered");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    send_all(&hub.sender(&key), (0..6).flat_map(|one| dossier(31, one)).collect(), 1).await;
    hub.stop();
    folder.verify();
    let store = folder.path().join("hub.db");
    let kept = folder.path().join("kept.db");
    let sealed = python(
        "import sqlite3, sys; store = sqlite3.connect(sys.argv[1]);\
                         print(store.execute('PRAGMA wal_checkpoint(TRUNCATE)').fetchone())",
        &[store.to_str().unwrap()],
    );
    assert!(sealed.starts_with("(0"), "{sealed}");
    fs::copy(&store, &kept).unwrap();
    let columns = python(COLUMNS, &[&[store.to_str().unwrap()], &TABLES[..]].concat());
    let (mut silent, mut told) = (Vec::new(), 0);
    for line in columns.lines() {
        for beside in ["hub.db-wal", "hub.db-shm"] {
            let _ = fs::remove_file(folder.path().join(beside));
        }
        fs::copy(&kept, &store).unwrap();
        let (table, column) = line.split_once(' ').unwrap();
        let altered = python(ALTERS, &[store.to_str().unwrap(), table, column]);
        // Nothing is there.
        if altered.is_empty() {
            continue;
        }
        let verified = folder.run(&["verify"]);
        let words = format!("{}{}", stdout(&verified), stderr(&verified));
        match verified.status.code() {
            _ if line == AT_TIMES => {}
            Some(0) => silent.push(line),
            Some(_) => told += 1,
            None => panic!("{line}: {words}"),
        }
        let named = words.contains("position ");
        assert!(named || !NAMED.contains(&line), "{line}: {altered} {words}");
    }
    println!("{told} columns are told");
    assert_eq!(silent, UNTOLD, "altered, and nothing is told");
}
