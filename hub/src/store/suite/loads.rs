//! Large messages of several senders at once, whose chunks are under way together.

use std::{collections::VecDeque, sync::Arc};

use contracts::{Later, Outcome, Receipt};
use futures_util::future::join_all;
use tokio::task::JoinHandle;

use super::{coded, holds, message, send, snapshot};
use crate::store::{Prepared, Reply, Store, Submission};

const SENDERS: u32 = 2;
const CHUNKS: u32 = 4;
const RECORDS: u32 = 300;
/// Small messages beside them.
const SMALL: u32 = 100;
/// Chunks of one message under way at once.
const UNDER_WAY: usize = 4;
/// Chunks of one message that come one after the other, nobody waiting for an answer.
const IN_A_ROW: u32 = 12;
/// How often one chunk may be sent.
const TIMES_MAX: u32 = 100;

type Answer = JoinHandle<Result<Vec<Result<Reply, Later>>, Later>>;

/// What a sender says as a record of a chunk: its own dossiers, those of all, and names that come
/// to share a code with another sender's.
fn record(sender: u32, chunk: u32, at: u32) -> Prepared {
    let version = chunk * RECORDS + at;
    match at % 16 {
        1 => snapshot(
            &format!("L-all-{}", at % 50),
            version,
            if chunk.is_multiple_of(2) { 4 } else { 5 },
        ),
        2 => coded(&format!("L-{sender}-coded-{at}"), version, 4, at + 1),
        _ => snapshot(&format!("L-{sender}-{version}"), 1, 4),
    }
}

/// Sends the chunks of a message in order, some at once, and each again that was overtaken.
async fn large(store: Arc<dyn Store>, sender: u32) -> Receipt {
    let id = format!("large-{sender}");
    let chunk = |chunk: u32| {
        let records = (0..RECORDS).map(|at| Ok(vec![record(sender, chunk, at)])).collect();
        let last = chunk + 1 == CHUNKS;
        Submission { chunk, last, ..message(&*store, &id, &id, records) }
    };
    let first = chunk(0);
    let chunks: Vec<Submission> = (0..CHUNKS)
        .map(|number| Submission { chunk: number, ..first.clone() })
        .zip((0..CHUNKS).map(chunk))
        .map(|(same, own)| Submission { items: own.items, last: own.last, ..same })
        .collect();
    let commit = |number: u32| -> Answer {
        let (store, chunk) = (store.clone(), chunks[number as usize].clone());
        tokio::spawn(async move { store.commit(vec![chunk]).await })
    };
    let (mut next, mut sent) = (0, 0);
    let mut under_way: VecDeque<(u32, Answer)> = VecDeque::new();
    loop {
        while under_way.len() < UNDER_WAY && next < CHUNKS {
            under_way.push_back((next, commit(next)));
            next += 1;
        }
        let (number, answer) = under_way.pop_front().unwrap();
        match answer.await.unwrap().unwrap().remove(0).unwrap() {
            Reply::Done(receipt) => return receipt,
            Reply::Next(wanted) if wanted > number => {}
            Reply::Next(_) => {
                sent += 1;
                assert!(sent < TIMES_MAX, "chunk {number} is overtaken for ever");
                under_way.push_front((number, commit(number)));
            }
        }
    }
}

/// Whatever is decided beside the writing of what came before, the journal and every fold are as
/// if one had followed the other.
pub(crate) async fn loads(store: Arc<dyn Store>) {
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..SENDERS {
        senders.spawn(large(store.clone(), sender));
    }
    // Small ones beside them, about the same dossiers.
    for small in 0..SMALL {
        let id = format!("small-{small}");
        let record = snapshot(&format!("L-all-{}", small % 50), 100_000 + small, 4);
        send(&*store, message(&*store, &id, &id, vec![Ok(vec![record])])).await;
    }
    for receipt in senders.join_all().await {
        assert_eq!(receipt.outcome, Outcome::Stored);
        assert_eq!(receipt.records, u64::from(CHUNKS * RECORDS));
    }
    let entries = u64::from(SENDERS * CHUNKS * RECORDS + SMALL);
    assert_eq!(store.head().await.unwrap().tree.size, entries);
    holds(&*store).await;
    let kept = store.verify().await.unwrap();
    store.rebuild().await.unwrap();
    assert_eq!(store.verify().await.unwrap(), kept, "a rebuilt fold is the kept one");
}

/// The chunks of one message, all of them under way at once: each is taken where it comes, none is
/// told to come again because the one before it was not seen.
pub(crate) async fn chunks_in_a_row(store: &dyn Store) {
    let first = message(store, "row", "row", Vec::new());
    let chunk = |chunk: u32| {
        let record = |at: u32| Ok(vec![snapshot(&format!("R-{chunk}-{at}"), 1, 4)]);
        let items = message(store, "row", "row", (0..RECORDS).map(record).collect()).items;
        Submission { chunk, last: chunk + 1 == IN_A_ROW, items, ..first.clone() }
    };
    let sent: Vec<_> = (0..IN_A_ROW).map(|number| store.commit(vec![chunk(number)])).collect();
    for (number, sent) in (1..).zip(join_all(sent).await) {
        match sent.unwrap().pop().unwrap().unwrap() {
            Reply::Next(next) => assert_eq!((next, number < IN_A_ROW), (number, true)),
            Reply::Done(receipt) => {
                assert_eq!((number, receipt.outcome), (IN_A_ROW, Outcome::Stored));
                assert_eq!(receipt.records, u64::from(IN_A_ROW * RECORDS));
            }
        }
    }
    assert!(store.verify().await.unwrap().faults.is_empty());
}
