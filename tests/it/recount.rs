//! The numbers, counted again by a program of its own: `tests/recount/recount.py`.

use std::{path::Path, process::Command};

use crate::{
    harness::{Folder, Hub},
    lienthong::{root, stderr, stdout},
    permutations::{AGENCY, CHANNEL, dossier},
};

/// What the recount says of a store.
#[derive(Debug)]
pub(crate) struct Recount {
    pub(crate) code: Option<i32>,
    pub(crate) text: String,
}

impl Recount {
    #[track_caller]
    pub(crate) fn assert_equal(&self) {
        assert_eq!(self.code, Some(0), "{}", self.text);
        assert!(self.text.contains("accepted"), "nothing was counted: {}", self.text);
    }
}

fn python(arguments: &[&Path]) -> Recount {
    let mut command = Command::new("python3");
    let output = command.args(arguments).output().expect("the recount needs python3");
    let text = format!("{}{}", stdout(&output), stderr(&output));
    Recount { code: output.status.code(), text }
}

/// Counts a store again; its hub is stopped.
pub(crate) fn recount(folder: &Folder) -> Recount {
    python(&[&root().join("tests/recount/recount.py"), &folder.store()])
}

/// Waits until the rollups hold every delta: the hub sees to it when it is quiet.
fn settled(folder: &Folder) {
    let program = "import sqlite3, sys, time\n\
                   store = sqlite3.connect(sys.argv[1])\n\
                   for _ in range(200):\n    \
                       if store.execute('SELECT rolled = size FROM head').fetchone()[0]:\n        \
                           sys.exit()\n    \
                       time.sleep(0.05)\n\
                   sys.exit('the rollups stay behind')";
    let done = python(&[Path::new("-c"), Path::new(program), &folder.store()]);
    assert_eq!(done.code, Some(0), "{}", done.text);
}

/// Alters a store behind the hub's back.
fn alter(folder: &Folder, statement: &str) {
    let program = "import sqlite3, sys\n\
                   store = sqlite3.connect(sys.argv[1])\n\
                   assert store.execute(sys.argv[2]).rowcount > 0\n\
                   store.commit()";
    let done =
        python(&[Path::new("-c"), Path::new(program), &folder.store(), Path::new(statement)]);
    assert_eq!(done.code, Some(0), "{statement}: {}", done.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recount_and_verify_find_one_number_that_was_changed() {
    let folder = Folder::new("recount");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    for message in (0..60).flat_map(|number| dossier(7, number)) {
        let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await;
        assert_eq!(answer.unwrap().0, 200);
    }
    settled(&folder);
    hub.stop();
    recount(&folder).assert_equal();
    folder.verify();
    let finished = recount(&folder).text;
    for measure in ["finished-early", "finished-late", "returned", "open", "in-status-9"] {
        assert!(finished.contains(measure), "the histories have no {measure}: {finished}");
    }
    for measure in ["accepted", "finished-late", "returned", "open", "in-status-2"] {
        let one = format!(
            "WHERE level = 1 AND span = 0 AND measure = '{measure}' AND day = (SELECT min(day) \
             FROM rollups WHERE level = 1 AND span = 0 AND measure = '{measure}' AND n <> 0)"
        );
        alter(&folder, &format!("UPDATE rollups SET n = n + 1 {one}"));
        let found = recount(&folder);
        assert_eq!(found.code, Some(1), "{measure}: {}", found.text);
        assert!(found.text.contains(&format!("\n{measure} ")), "{}", found.text);
        assert!(found.text.contains("\n1 differences"), "{}", found.text);
        assert_eq!(folder.run(&["verify"]).status.code(), Some(1), "verify overlooks {measure}");
        alter(&folder, &format!("UPDATE rollups SET n = n - 1 {one}"));
    }
    recount(&folder).assert_equal();
    folder.verify();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_puts_right_what_was_altered_and_only_that() {
    let folder = Folder::new("rebuild");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    for message in (0..20).flat_map(|number| dossier(11, number)) {
        let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await;
        assert_eq!(answer.unwrap().0, 200);
    }
    settled(&folder);
    hub.stop();
    let before = folder.verify();
    alter(&folder, "UPDATE rollups SET n = n + 1");
    alter(&folder, "DELETE FROM dossiers");
    assert_eq!(folder.run(&["verify"]).status.code(), Some(1));
    let rebuilt = folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    assert_eq!(folder.verify(), before);
    recount(&folder).assert_equal();
}
