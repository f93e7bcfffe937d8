//! What senders were told, each with a record of its own, and whether the hub keeps its word:
//! nothing acknowledged is lost, nothing counts twice, what went unanswered is there once or not.

use std::{collections::BTreeSet, fs, io::Write as _, sync::Arc};

use tokio::task::JoinSet;

use crate::{
    harness::{Folder, Hub, Sender, Verified},
    permutations::CHANNEL,
    recount::{recount, store},
};

/// Questions asked at once when everything is looked up.
const AT_ONCE: usize = 8;

/// One sender's record: what was acknowledged is on the disk before the next message goes.
#[derive(Debug)]
pub(crate) struct Ledger {
    file: fs::File,
    acknowledged: Vec<String>,
    unknown: Vec<String>,
}

impl Ledger {
    pub(crate) fn new(folder: &Folder, sender: u64) -> Self {
        let path = folder.path().join(format!("ledger-{sender}"));
        let file = fs::File::create(path).unwrap();
        Self { file, acknowledged: Vec::new(), unknown: Vec::new() }
    }

    /// The hub has said what became of a message.
    pub(crate) fn acknowledged(&mut self, id: &str, outcome: &str) {
        self.note(id, outcome);
        self.acknowledged.push(id.to_owned());
    }

    /// The sender has given a message up: the hub may have it or not.
    pub(crate) fn given_up(&mut self, id: &str) {
        self.note(id, "unknown");
        self.unknown.push(id.to_owned());
    }

    fn note(&mut self, id: &str, word: &str) {
        writeln!(self.file, "{id} {word}").unwrap();
        self.file.sync_data().unwrap();
    }
}

/// What all senders together were told.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: Vec<String>,
    pub(crate) unknown: Vec<String>,
}

impl Told {
    pub(crate) fn of(ledgers: Vec<Ledger>) -> Self {
        let mut told = Self::default();
        for ledger in ledgers {
            told.acknowledged.extend(ledger.acknowledged);
            told.unknown.extend(ledger.unknown);
        }
        told
    }

    /// Holds a hub to it; ends the hub, and has its store verified and counted again.
    pub(crate) async fn holds(self, folder: &Folder, hub: Hub, key: &str) -> Verified {
        let sender = hub.sender(key);
        let acknowledged = self.acknowledged.len();
        let there = all_there_once(&sender, self.acknowledged).await;
        assert_eq!(there, acknowledged, "of the acknowledged messages, so many are there once");
        let given_up = self.unknown.len();
        let known = all_there_once(&sender, self.unknown).await;
        println!("{acknowledged} acknowledged; of {given_up} given up, {known} were stored");
        let mut fed = BTreeSet::new();
        for event in sender.feed("records", 1_000).await {
            let sequence = event["sequence"].as_str().unwrap().to_owned();
            assert!(fed.insert(sequence), "the feed repeats {event}");
        }
        assert_eq!(fed.len(), acknowledged + known, "records in the feed, messages stored");
        hub.stop();
        let verified = folder.verify();
        // The first entry of the journal tells the rules.
        assert_eq!(verified.entries, 1 + fed.len() as u64);
        contiguous(folder, verified.entries);
        recount(folder).assert_equal();
        verified
    }
}

/// Positions are those from 0 on, each once, by the store's own word.
fn contiguous(folder: &Folder, entries: u64) {
    let sql = "SELECT count(*) AS n, count(DISTINCT position) AS positions, \
               min(position) AS first, max(position) + 1 AS size FROM entries";
    assert_eq!(store(folder, sql).trim(), format!("[{entries}, {entries}, 0, {entries}]"));
}

/// How many of the messages the hub has; those it has, it has stored at one attempt, with their
/// one record.
async fn all_there_once(sender: &Sender, ids: Vec<String>) -> usize {
    let ids = Arc::new(ids);
    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let (sender, ids) = (sender.clone(), ids.clone());
        tasks.spawn(async move {
            let mut there = 0;
            for id in ids.iter().skip(first).step_by(AT_ONCE) {
                let path = format!("/v1/messages/{id}?channel={CHANNEL}");
                let (status, found) = sender.get(&path).await;
                if status == 404 {
                    continue;
                }
                assert_eq!(status, 200, "{id}: {found}");
                let attempts = found["messages"].as_array().unwrap();
                assert_eq!(attempts.len(), 1, "{found}");
                assert_eq!(attempts[0]["outcome"], "stored", "{found}");
                assert_eq!(attempts[0]["records"], 1, "{found}");
                assert_eq!(attempts[0]["first_position"], attempts[0]["last_position"]);
                there += 1;
            }
            there
        });
    }
    tasks.join_all().await.into_iter().sum()
}
