//! Exports that cannot be made whole: nobody takes what there is of them for the whole.

use std::{fs, process::Command};

use super::{FORMATS, file, province};
use crate::{
    backend::Backend,
    harness::{Folder, Hub},
    lienthong::{binary, stderr},
};

/// Makes the last entry unreadable.
fn damaged(folder: &Folder) {
    let program = "import sqlite3, sys\n\
        store = sqlite3.connect(sys.argv[1])\n\
        names = store.execute(\"SELECT name FROM sqlite_master WHERE type = 'trigger'\")\n\
        for (name,) in names.fetchall(): store.execute(f'DROP TRIGGER {name}')\n\
        store.execute('PRAGMA ignore_check_constraints = ON')\n\
        store.execute('UPDATE entries SET public = ? WHERE position = '\n\
            '(SELECT max(position) FROM entries)', (b'{',))\n\
        store.commit()";
    let output =
        Command::new("python3").args(["-c", program]).arg(file(folder, "hub.db")).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_breaks_off_is_seen_to_be_no_whole_one() {
    let (folder, hub, [_, portal, _]) = province(Backend::Sqlite, "exports-broken").await;
    hub.stop();
    damaged(&folder);
    let hub = Hub::start(&folder).await;
    let portal = portal.at(&hub.url);
    for format in FORMATS {
        let url = format!("{}/v1/exports/records.{format}", portal.url);
        // A short one breaks off before its head has left: then there is no answer at all.
        let is_whole = match portal.client.get(url).bearer_auth(portal.key()).send().await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                answer.bytes().await.is_ok()
            }
            Err(_) => false,
        };
        assert!(!is_whole, "{format}: the end was clean");
        let name = format!("ra.{format}");
        let output = folder.run(&["export", "records", "--format", format, "-o", &name]);
        assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
        assert!(stderr(&output).contains("is damaged"), "{}", stderr(&output));
        assert!(!file(&folder, &name).exists());
        assert!(!file(&folder, &format!("{name}.part")).exists());
    }
    assert!(folder.log().contains("an export broke off"), "{}", folder.log());
    // What does not reach the damage is exported as ever.
    assert_eq!(portal.status("/v1/exports/records.ndjson?until=20").await, 200);
    hub.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_leaves_no_half_file() {
    let (folder, hub, _) = province(Backend::Sqlite, "exports-full").await;
    hub.stop();
    fs::write(file(&folder, "ra.ndjson"), "hôm qua").unwrap();
    // No file of this shell's may be longer than that: 128 blocks of a kilobyte.
    let script =
        "ulimit -f 128; trap '' XFSZ; exec \"$0\" export records --format ndjson -o ra.ndjson";
    let mut command = Command::new("bash");
    command.args(["-c", script]).arg(binary()).current_dir(folder.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    assert!(stderr(&output).contains("cannot be written"), "{}", stderr(&output));
    assert_eq!(fs::read_to_string(file(&folder, "ra.ndjson")).unwrap(), "hôm qua");
    assert!(!file(&folder, "ra.ndjson.part").exists());
}
