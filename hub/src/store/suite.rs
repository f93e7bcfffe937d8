//! The conformance suite that every store passes: what its users can rely on.

mod accesses;
pub(crate) mod attachments;
mod channels;
pub(crate) mod clocks;
pub(crate) mod damage;
pub(crate) mod deliveries;
pub(crate) mod erasures;
mod findings;
mod freezes;
mod groupings;
pub(crate) mod keys;
mod loads;
mod look_ups;
pub(crate) mod moments;
pub(crate) mod pollers;
mod profiles;
pub(crate) mod published;
pub(crate) mod records;
mod refusals;
mod sent_again;
mod strides;
pub(crate) mod subscriptions;
mod timeliness;
pub(crate) mod visits;
pub(crate) mod watches;

use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use contracts::{Contracts, Outcome, Problem, Progress};

use super::{
    CellQuery, Item, Payload, Personal, Prepared, Reply, Rules, Store, Submission, Verdict,
    catalogue::Held,
};
use crate::{
    journal::{
        commitment::{Salt, commit},
        entry::Mode,
        merkle::Digest,
    },
    registry::{Content, Settings},
};

pub(crate) use channels::channels;
pub(crate) use findings::{days_that_pass, findings};
pub(crate) use freezes::{freezers, freezes};
pub(crate) use groupings::groupings;
pub(crate) use loads::{chunks_in_a_row, loads};
pub(crate) use look_ups::look_ups;
pub(crate) use profiles::profiles;
pub(crate) use refusals::{refusals, refused};
pub(crate) use sent_again::sent_again;
pub(crate) use strides::strides;
pub(crate) use timeliness::timeliness;

/// One dossier at a source, as a sealed record.
pub(crate) fn snapshot(code: &str, version: u32, status: u8) -> Prepared {
    let body = serde_json::json!({
        "source": "so-y-te", "source_code": code, "source_version": version.to_string(),
        "agency": "so-y-te", "applicant": { "name": "Nguyễn An", "kind": "person" },
        "channel": "counter", "accepted_at": "2024-03-04", "due_at": "2024-03-08",
        "status": status, "status_raw": status.to_string(),
    });
    prepared("dossier/1", code, body)
}

/// One dossier at a source that carries a national code, of a procedure.
pub(crate) fn coded(code: &str, version: u32, status: u8, number: u32) -> Prepared {
    let body = serde_json::json!({
        "source": "so-y-te", "source_code": code, "source_version": version.to_string(),
        "code": format!("H19.14-240304-{number:04}"), "procedure": "1.001612",
        "agency": "so-y-te", "applicant": { "name": "Nguyễn An", "kind": "person" },
        "channel": "counter", "accepted_at": "2024-03-04", "due_at": "2024-03-08",
        "status": status, "status_raw": status.to_string(),
    });
    prepared("dossier/1", code, body)
}

/// One event of a dossier.
pub(crate) fn event(code: &str, at: &str, status: u8) -> Prepared {
    let body = serde_json::json!({
        "source": "so-y-te", "source_code": code, "agency": "so-y-te", "kind": "status",
        "at": at, "status": status, "status_raw": status.to_string(),
    });
    prepared("progress/1", code, body)
}

fn prepared(contract: &str, key: &str, body: serde_json::Value) -> Prepared {
    let (contract_id, body) = (contract.parse().unwrap(), body.into());
    let draft = contracts::Draft { contract: contract_id, key: key.into(), body };
    static CONTRACTS: LazyLock<Contracts> = LazyLock::new(|| Contracts::builtin().unwrap());
    let record = CONTRACTS.seal(&draft).unwrap();
    let personal = record.personal_text().map(|text| {
        let salt = Salt::random().unwrap();
        let commitment = commit(&salt, text.as_bytes());
        Personal { salt, commitment, text: text.to_owned() }
    });
    let public = record.public_text().to_owned();
    let content = match contract {
        "dossier/1" => Content::Snapshot(serde_json::from_str(&public).unwrap()),
        _ => Content::Event(serde_json::from_str::<Box<Progress>>(&public).unwrap()),
    };
    Prepared {
        contract: record.contract().clone(),
        key: key.to_owned(),
        public_hash: Digest::of(public.as_bytes()),
        public,
        personal,
        content: Some(content),
        telling: None,
        destinations: Vec::new(),
        supersedes: None,
    }
}

/// A message of the given records, in one chunk.
pub(crate) fn message(
    store: &dyn Store,
    id: &str,
    payload: &str,
    items: Vec<Result<Vec<Prepared>, Vec<Problem>>>,
) -> Submission {
    let bytes = Bytes::copy_from_slice(payload.as_bytes());
    let salt = Salt::random().unwrap();
    let number = |(at, outcome)| Item { record: Some(at), key: None, outcome };
    Submission {
        channel: "so-y-te.ho-so".to_owned(),
        id: id.to_owned(),
        id_given: true,
        mode: Mode::Live,
        dedup: store.dedup(&bytes),
        raw: commit(&salt, &bytes),
        mapping: Digest::of(b"mapping"),
        contracts: Arc::default(),
        payload: Arc::new(Payload { salt, bytes, content_type: None }),
        chunk: 0,
        last: true,
        items: Arc::new((1..).zip(items).map(number).collect()),
        advance: None,
        again: false,
    }
}

pub(crate) async fn send(store: &dyn Store, message: Submission) -> contracts::Receipt {
    let replies = store.commit(vec![message]).await.unwrap();
    match replies.into_iter().next().unwrap().unwrap() {
        Reply::Done(receipt) => receipt,
        Reply::Next(next) => panic!("chunk {next} is wanted"),
    }
}

/// The open gauge at the end of a day, at a position.
async fn open(store: &dyn Store, as_of: Option<u64>) -> i64 {
    let query = CellQuery { from: 19_000, to: 20_000, as_of, ..CellQuery::default() };
    let rows = store.statistics(query).await.unwrap().rows;
    rows.iter().filter(|row| row.measure == "open").map(|row| row.n).sum()
}

/// Every outcome of semantics §1, and what it leaves behind.
pub(crate) async fn outcomes(store: &dyn Store) {
    let one = || message(store, "m-1", "one", vec![Ok(vec![snapshot("A-1", 1, 4)])]);
    assert_eq!(send(store, one()).await.outcome, Outcome::Stored);
    let again = send(store, one()).await;
    assert_eq!((again.outcome, again.first), (Outcome::Duplicate, Some(Outcome::Stored)));
    let other = || message(store, "m-1", "other", vec![Ok(vec![snapshot("A-1", 2, 9)])]);
    assert_eq!(send(store, other()).await.outcome, Outcome::Conflict);
    let repeated = send(store, other()).await;
    assert_eq!((repeated.outcome, repeated.first), (Outcome::Duplicate, Some(Outcome::Conflict)));
    let dossier = store.find("A-1".to_owned(), None).await.unwrap().dossiers;
    let text = String::from_utf8(dossier[0].public.clone().unwrap()).unwrap();
    assert!(text.contains("\"status\":4"), "a conflict is never applied");
    let mixed = vec![Ok(vec![snapshot("A-2", 1, 4)]), Err(refused())];
    let partial = send(store, message(store, "m-2", "mixed", mixed)).await;
    assert_eq!((partial.outcome, partial.records, partial.refused), (Outcome::Partial, 1, 1));
    assert_eq!(partial.refusals[0].record, Some(2));
    let bad = || message(store, "m-3", "bad", vec![Err(refused())]);
    assert_eq!(send(store, bad()).await.outcome, Outcome::Refused);
    let still = send(store, bad()).await;
    assert_eq!((still.outcome, still.first), (Outcome::Duplicate, Some(Outcome::Refused)));
    let mended = Submission { mapping: Digest::of(b"mended"), ..bad() };
    let mended = Submission {
        items: Arc::new(vec![Item {
            record: Some(1),
            key: None,
            outcome: Ok(vec![snapshot("A-3", 1, 4)]),
        }]),
        ..mended
    };
    assert_eq!(send(store, mended).await.outcome, Outcome::Stored, "under a mended mapping");
    let better = message(store, "m-4", "bad", vec![Err(refused())]);
    assert_eq!(send(store, better).await.outcome, Outcome::Refused);
    let better = message(store, "m-4", "good", vec![Ok(vec![snapshot("A-4", 1, 4)])]);
    assert_eq!(send(store, better).await.outcome, Outcome::Stored, "other content after a refusal");
    let attempts = store.messages(None, "m-4".to_owned()).await.unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!(attempts[0].previous, Some(attempts[1].message));
    let first = message(store, "m-5", "large", vec![Ok(vec![snapshot("A-5", 1, 4)])]);
    store.commit(vec![Submission { last: false, ..first }]).await.unwrap();
    let told = store.outcomes().await.unwrap();
    let told: Vec<_> = told.iter().map(|one| (one.outcome.as_deref(), one.messages)).collect();
    let ended = [("conflict", 1), ("partial", 1), ("refused", 2), ("stored", 3)];
    let ended = ended.map(|(outcome, messages)| (Some(outcome), messages));
    assert_eq!(told, [&[(None, 1)], &ended[..]].concat(), "each message once");
    holds(store).await;
}

/// Chunks commit by themselves, resume where they stopped, and answer once.
pub(crate) async fn chunks(store: &dyn Store) {
    let whole = |chunk: u32, last: bool| {
        let record = snapshot(&format!("C-{chunk}"), 1, 4);
        Submission { chunk, last, ..message(store, "big", "big", vec![Ok(vec![record])]) }
    };
    let reply = |replies: Vec<Result<Reply, _>>| -> Reply {
        let first: Option<Result<Reply, contracts::Later>> = replies.into_iter().next();
        first.unwrap().unwrap()
    };
    assert_eq!(reply(store.commit(vec![whole(1, false)]).await.unwrap()), Reply::Next(0));
    assert_eq!(reply(store.commit(vec![whole(0, false)]).await.unwrap()), Reply::Next(1));
    assert_eq!(
        store.find("C-0".to_owned(), None).await.unwrap().dossiers.len(),
        1,
        "visible at once"
    );
    assert_eq!(reply(store.commit(vec![whole(0, false)]).await.unwrap()), Reply::Next(1));
    assert_eq!(reply(store.commit(vec![whole(1, false)]).await.unwrap()), Reply::Next(2));
    let Reply::Done(receipt) = reply(store.commit(vec![whole(2, true)]).await.unwrap()) else {
        panic!("the last chunk ends it")
    };
    assert_eq!((receipt.outcome, receipt.records), (Outcome::Stored, 3));
    let Reply::Done(again) = reply(store.commit(vec![whole(0, false)]).await.unwrap()) else {
        panic!("a known message is answered at its first chunk")
    };
    assert_eq!(again.outcome, Outcome::Duplicate);
    holds(store).await;
}

/// Numbers follow corrections and late events, and any earlier position keeps its figures.
pub(crate) async fn numbers(store: &dyn Store) {
    let first = vec![Ok(vec![snapshot("N-1", 1, 4)]), Ok(vec![snapshot("N-2", 1, 4)])];
    send(store, message(store, "n-1", "a", first)).await;
    let at = store.head().await.unwrap().tree.size;
    assert_eq!(open(store, None).await, 2);
    let done = event("N-1", "2024-03-06T01:00:00Z", 9);
    send(store, message(store, "n-2", "b", vec![Ok(vec![done])])).await;
    assert_eq!(open(store, None).await, 1, "the event finishes it");
    send(store, message(store, "n-3", "c", vec![Ok(vec![snapshot("N-2", 2, 3)])])).await;
    assert_eq!(open(store, None).await, 0, "a correction takes back what it corrects");
    assert_eq!(open(store, Some(at)).await, 2, "no figure of the past moves");
    holds(store).await;
    let before = store.verify().await.unwrap();
    store.rebuild().await.unwrap();
    let after = store.verify().await.unwrap();
    assert_eq!(before, after, "a rebuilt fold is the kept one");
    assert_eq!(open(store, Some(at)).await, 2, "and so are its earlier figures");
}

/// Rules hold from their entry on: what counted before moves with them, no figure before it does,
/// and what comes later is counted by them.
pub(crate) async fn rules(store: &dyn Store) {
    let stopped = |version| vec![Ok(vec![snapshot("S-1", version, 8)])];
    send(store, message(store, "s-1", "1", stopped(1))).await;
    let at = store.head().await.unwrap().tree.size;
    assert_eq!(open(store, None).await, 0, "stopped is finished");
    let settings = Settings { stopped_is_paused: true, ..Settings::default() };
    let rules = Rules { settings, ..Rules::default() };
    assert!(store.adopt(rules.clone()).await.unwrap());
    assert!(!store.adopt(rules).await.unwrap(), "they are in force already");
    assert_eq!(open(store, None).await, 1, "stopped is paused, and so open");
    assert_eq!(open(store, Some(at)).await, 0, "no figure of the past moves");
    holds(store).await;
    send(store, message(store, "s-2", "2", stopped(2))).await;
    send(store, message(store, "s-3", "3", vec![Ok(vec![snapshot("S-2", 1, 8)])])).await;
    assert_eq!(open(store, None).await, 2);
    assert!(store.adopt(Rules::default()).await.unwrap());
    assert_eq!(open(store, None).await, 0);
    holds(store).await;
}

/// A catalogue is in force from its entry on, told once, whatever is rebuilt; it moves no number.
pub(crate) async fn catalogues(store: &dyn Store) {
    let rules = Rules {
        settings: Settings { stopped_is_paused: true, ..Settings::default() },
        ..Rules::default()
    };
    let at = async |before, known| store.catalogue(before, known).await.unwrap();
    let other = async |before, known| match at(before, known).await {
        Held::Other(found) => found,
        held => panic!("{held:?}"),
    };
    assert_eq!(at(None, None).await, Held::Nothing);
    assert!(store.publish(b"one".to_vec()).await.unwrap());
    assert!(!store.publish(b"one".to_vec()).await.unwrap(), "it is in force already");
    let one = other(None, None).await;
    assert_eq!((one.position, one.content.as_slice()), (0, &b"one"[..]));
    assert_eq!(one.log_id, store.head().await.unwrap().log.id);
    assert_eq!(at(None, Some((one.position, one.hash))).await, Held::Known);
    assert_eq!(at(Some(0), None).await, Held::Nothing, "before its entry");
    send(store, message(store, "c-1", "1", vec![Ok(vec![snapshot("C-1", 1, 4)])])).await;
    assert!(store.adopt(rules.clone()).await.unwrap());
    assert!(store.publish(b"two".to_vec()).await.unwrap());
    assert!(store.publish(b"one".to_vec()).await.unwrap(), "what was before may come again");
    let again = other(None, Some((one.position, one.hash))).await;
    assert_eq!((again.position, again.hash), (4, one.hash));
    // They are found one after another; what lies between them is told by its own position.
    let next = async |from| store.next_catalogue(from).await.unwrap();
    assert_eq!(
        (next(0).await, next(1).await, next(4).await, next(5).await),
        (Some(0), Some(3), Some(4), None)
    );
    let deltas = store.deltas(1, 2).await.unwrap();
    assert!(!deltas.is_empty() && deltas.iter().all(|one| one.position == 1));
    assert!(
        store.deltas(2, 5).await.unwrap().is_empty()
            && store.deltas(0, 1).await.unwrap().is_empty()
    );
    // Every earlier one is in force before the next.
    assert_eq!(other(Some(4), None).await.content, b"two");
    assert_eq!(other(Some(3), None).await, one);
    assert_eq!(at(Some(1), Some((one.position, one.hash))).await, Held::Known);
    holds(store).await;
    assert_eq!(store.rebuild().await.unwrap(), 5);
    assert_eq!(other(None, None).await, again);
    assert_eq!(store.rules(None).await.unwrap(), rules, "rules are none of it");
    assert!(!store.adopt(rules).await.unwrap());
    assert_eq!(open(store, None).await, 1);
    holds(store).await;
}

/// A trial channel reaches neither dossiers nor numbers.
pub(crate) async fn trial(store: &dyn Store) {
    let mut trial = message(store, "t-1", "t", vec![Ok(vec![snapshot("T-1", 1, 4)])]);
    trial.mode = Mode::Trial;
    assert_eq!(send(store, trial).await.outcome, Outcome::Stored);
    assert!(store.find("T-1".to_owned(), None).await.unwrap().dossiers.is_empty());
    assert_eq!(open(store, None).await, 0);
    holds(store).await;
}

async fn holds(store: &dyn Store) {
    let verdict = store.verify().await.unwrap();
    assert_eq!(verdict.faults, Vec::<String>::new());
    // What counts alone comes to the same.
    let recounted = store.recount().await.unwrap();
    assert_eq!(recounted, Verdict { pruned: 0, ..verdict });
}

/// Sixteen workers, all at one dossier: no update is lost. The stores may be one.
pub(crate) async fn workers_at_one_dossier(stores: [Arc<dyn Store>; 2]) {
    const WORKERS: u32 = 16;
    const EACH: u32 = 12;
    let mut tasks = tokio::task::JoinSet::new();
    for worker in 0..WORKERS {
        let store = stores[worker as usize % 2].clone();
        tasks.spawn(async move {
            for turn in 0..EACH {
                // Every worker also says what another says too: one of them is a duplicate.
                let own = (worker / 2) * EACH + turn;
                let record = snapshot("W-1", own, if own.is_multiple_of(2) { 4 } else { 5 });
                let id = format!("w-{own}");
                let receipt = send(&*store, message(&*store, &id, &id, vec![Ok(vec![record])]));
                assert!(matches!(receipt.await.outcome, Outcome::Stored | Outcome::Duplicate));
            }
        });
    }
    tasks.join_all().await;
    let messages = u64::from(WORKERS / 2 * EACH);
    assert_eq!(stores[0].head().await.unwrap().tree.size, messages);
    let verdict = stores[1].verify().await.unwrap();
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!((verdict.entries, verdict.dossiers), (messages, 1));
    let key = stores[0].find("W-1".to_owned(), None).await.unwrap().dossiers[0].key.clone();
    let said = stores[0].observations(key, None).await.unwrap();
    assert_eq!(said.len() as u64, messages);
}

/// Names that come to share a code, said at once, are one dossier. The stores may be one.
pub(crate) async fn workers_that_join_names(stores: [Arc<dyn Store>; 2]) {
    for round in 0..20 {
        let mut tasks = tokio::task::JoinSet::new();
        for (side, store) in stores.iter().enumerate() {
            let store = store.clone();
            tasks.spawn(async move {
                for step in 0..2 {
                    let code = format!("J-{round}-{side}");
                    let status = if step == 0 { 4 } else { 9 };
                    let record = coded(&code, step, status, round);
                    let id = format!("j-{round}-{side}-{step}");
                    send(&*store, message(&*store, &id, &id, vec![Ok(vec![record])])).await;
                }
            });
        }
        tasks.join_all().await;
    }
    let verdict = stores[0].verify().await.unwrap();
    assert_eq!(verdict.faults, Vec::<String>::new());
    assert_eq!((verdict.entries, verdict.dossiers), (80, 20));
}
