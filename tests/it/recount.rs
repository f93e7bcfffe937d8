//! The numbers, counted again by a program of its own: `tests/recount/recount.py`.

use std::process::Command;

use crate::{
    backend::{Backend, on_each_store},
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

fn python(program: &str, arguments: &[&str]) -> Recount {
    let mut command = Command::new("python3");
    command.arg(root().join("tests/recount").join(program)).args(arguments);
    let output = command.output().expect("the recount needs python3");
    let text = format!("{}{}", stdout(&output), stderr(&output));
    Recount { code: output.status.code(), text }
}

/// Counts a store again; its hub is stopped.
pub(crate) fn recount(folder: &Folder) -> Recount {
    python("recount.py", &[&folder.store_address()])
}

/// Reads a store past the hub, or alters it behind the hub's back: each row is a line of JSON.
#[track_caller]
pub(crate) fn store(folder: &Folder, sql: &str) -> String {
    let done = python("store.py", &[&folder.store_address(), sql]);
    assert_eq!(done.code, Some(0), "{sql}: {}", done.text);
    done.text
}

/// Waits until the rollups hold every delta: the hub sees to it when it is quiet.
async fn settled(folder: &Folder) {
    for _ in 0..100 {
        let behind = "SELECT h.size - r.position AS entries FROM head h, rolled r";
        if store(folder, behind).trim() == "[0]" {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the rollups stay behind");
}

/// The sums of a measure in the first year in which there are any, by agency.
fn first_year(measure: &str) -> String {
    format!(
        "WHERE slot = (SELECT r.slot FROM rollups r JOIN measures m \
         ON m.measure = (r.slot >> 45 & 255) WHERE (r.slot >> 53) = 1 \
         AND m.text = '{measure}' AND r.n <> 0 ORDER BY (r.slot & 32767) LIMIT 1)"
    )
}

on_each_store!(
    the_recount_and_verify_find_one_number_that_was_changed,
    a_rebuild_puts_right_what_was_altered_and_only_that,
);

async fn the_recount_and_verify_find_one_number_that_was_changed(backend: Backend) {
    let folder = backend.folder("recount");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    for message in (0..60).flat_map(|number| dossier(7, number)) {
        let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await;
        assert_eq!(answer.unwrap().0, 200);
    }
    settled(&folder).await;
    hub.stop();
    recount(&folder).assert_equal();
    folder.verify();
    let finished = recount(&folder).text;
    for measure in ["finished-early", "finished-late", "returned", "open", "in-status-9"] {
        assert!(finished.contains(measure), "the histories have no {measure}: {finished}");
    }
    for measure in ["accepted", "finished-late", "returned", "open", "in-status-2"] {
        let one = first_year(measure);
        store(&folder, &format!("UPDATE rollups SET n = n + 1 {one}"));
        let found = recount(&folder);
        assert_eq!(found.code, Some(1), "{measure}: {}", found.text);
        assert!(found.text.contains(&format!("\n{measure} ")), "{}", found.text);
        assert!(found.text.contains("\n1 differences"), "{}", found.text);
        assert_eq!(folder.run(&["verify"]).status.code(), Some(1), "verify overlooks {measure}");
        store(&folder, &format!("UPDATE rollups SET n = n - 1 {one}"));
    }
    recount(&folder).assert_equal();
    folder.verify();
}

async fn a_rebuild_puts_right_what_was_altered_and_only_that(backend: Backend) {
    let folder = backend.folder("rebuild");
    let key = folder.key(AGENCY);
    let hub = Hub::start(&folder).await;
    let sender = hub.sender(&key);
    for message in (0..20).flat_map(|number| dossier(11, number)) {
        let answer = sender.push(CHANNEL, Some(&message.id), &message.bytes).await;
        assert_eq!(answer.unwrap().0, 200);
    }
    settled(&folder).await;
    hub.stop();
    let before = folder.verify();
    store(&folder, "UPDATE rollups SET n = n + 1");
    store(&folder, "DELETE FROM dossiers");
    assert_eq!(folder.run(&["verify"]).status.code(), Some(1));
    let rebuilt = folder.run(&["rebuild"]);
    assert_eq!(rebuilt.status.code(), Some(0), "{}", stderr(&rebuilt));
    assert_eq!(folder.verify(), before);
    recount(&folder).assert_equal();
}
