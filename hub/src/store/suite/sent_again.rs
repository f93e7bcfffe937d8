//! What is sent again under a mended mapping takes the place of what was told of it.

use std::sync::Arc;

use contracts::Outcome;
use serde_json::json;

use super::{event, message, open, prepared, refused, send, snapshot};
use crate::{
    journal::merkle::Digest,
    store::{Prepared, Reply, Store, Submission},
};

type Items = Vec<Result<Vec<Prepared>, Vec<contracts::Problem>>>;

/// A snapshot whose version is its receipt.
fn versionless(code: &str, status: u8) -> Prepared {
    named(code, status, "Nguyễn An")
}

/// The same of an applicant: what is personal.
fn named(code: &str, status: u8, applicant: &str) -> Prepared {
    let body = json!({
        "source": "so-y-te", "source_code": code, "agency": "so-y-te",
        "applicant": { "name": applicant, "kind": "person" }, "channel": "counter",
        "accepted_at": "2024-03-04", "status": status, "status_raw": status.to_string(),
    });
    prepared("dossier/1", code, body)
}

/// Status of a dossier, and how much was said of it.
async fn said(store: &dyn Store, code: &str) -> (u64, usize) {
    let found = store.find(code.to_owned(), None).await.unwrap().dossiers.remove(0);
    let state: serde_json::Value = serde_json::from_slice(&found.public.unwrap()).unwrap();
    let observations = store.observations(found.key, None).await.unwrap();
    (state["status"].as_u64().unwrap(), observations.len())
}

fn under(mapping: &[u8], message: Submission) -> Submission {
    Submission { mapping: Digest::of(mapping), ..message }
}

/// A message of which a part was refused is sent again: the mended mapping decides, whatever was
/// told by the faulty one, and what it tells alike adds nothing.
pub(crate) async fn sent_again(store: &dyn Store) {
    let items = |first: u8, third: Result<Vec<Prepared>, _>| -> Items {
        let both = vec![
            event("P-4", "2024-03-05T01:00:00Z", first),
            event("P-4", "2024-03-05T02:00:00Z", 4),
        ];
        vec![Ok(vec![snapshot("P-1", 1, first)]), Ok(vec![versionless("P-2", 4)]), third, Ok(both)]
    };
    let faulty = message(store, "p", "p", items(9, Err(refused())));
    let receipt = send(store, faulty).await;
    assert_eq!((receipt.outcome, receipt.records), (Outcome::Partial, 4));
    assert_eq!(said(store, "P-1").await, (9, 1));
    let later = vec![Ok(vec![versionless("P-2", 9)])];
    send(store, message(store, "q", "q", later)).await;
    let mended = message(store, "p", "p", items(4, Ok(vec![snapshot("P-3", 1, 4)])));
    let receipt = send(store, under(b"mended", mended)).await;
    assert_eq!((receipt.outcome, receipt.records), (Outcome::Stored, 5));
    assert_eq!(said(store, "P-1").await, (4, 2), "the faulty telling is replaced");
    assert_eq!(said(store, "P-2").await, (9, 2), "what was told since stands");
    assert_eq!(said(store, "P-3").await, (4, 1));
    assert_eq!(said(store, "P-4").await, (4, 3), "of two events of one record, one is replaced");
    // P-2 is finished at its receipt, which lies behind the days that are asked for.
    assert_eq!(open(store, None).await, 4);
    super::holds(store).await;
    // What alone is personal counts as well.
    let half = |one: Prepared| vec![Ok(vec![one]), Err(refused())];
    send(store, message(store, "r", "r", half(versionless("R-1", 4)))).await;
    let mended = message(store, "r", "r", half(named("R-1", 4, "Nguyễn Ân")));
    send(store, under(b"mended", mended)).await;
    assert_eq!(said(store, "R-1").await, (4, 2));
    // What was told since, of a dossier whose versions are receipts, stays above what was mended.
    let told = message(store, "s", "s", half(versionless("S-1", 4)));
    send(store, told).await;
    send(store, message(store, "t", "t", vec![Ok(vec![versionless("S-1", 9)])])).await;
    let mended = message(store, "s", "s", half(versionless("S-1", 5)));
    send(store, under(b"mended", mended)).await;
    assert_eq!(said(store, "S-1").await, (9, 2));
    super::holds(store).await;
    let before = store.verify().await.unwrap();
    store.rebuild().await.unwrap();
    assert_eq!(store.verify().await.unwrap(), before);
    large(store).await;
}

/// So it is of each chunk of a large message, and when it is mended once more.
async fn large(store: &dyn Store) {
    let chunk = |mapping: &[u8], chunk: u32, statuses: [Option<u8>; 2]| {
        let record = |(at, status): (u32, Option<u8>)| match status {
            Some(status) => Ok(vec![snapshot(&format!("L-{}", 2 * chunk + at), 1, status)]),
            None => Err(refused()),
        };
        let items: Items = (1..).zip(statuses).map(record).collect();
        let mut one = under(mapping, message(store, "large", "large", items));
        for item in Arc::make_mut(&mut one.items) {
            item.record = item.record.map(|number| number + 2 * chunk);
        }
        Submission { chunk, last: chunk == 2, ..one }
    };
    let all = async |mapping: &[u8], statuses: [[Option<u8>; 2]; 3], together: bool| {
        let chunks: Vec<Submission> =
            (0..).zip(statuses).map(|(at, two)| chunk(mapping, at, two)).collect();
        let mut replies = Vec::new();
        if together {
            replies = store.commit(chunks).await.unwrap();
        } else {
            for one in chunks {
                replies.extend(store.commit(vec![one]).await.unwrap());
                // Somebody else speaks between two chunks.
                let id = format!("between-{}-{}", replies.len(), mapping.len());
                let other = vec![Ok(vec![snapshot(&id, 1, 4)])];
                send(store, message(store, &id, &id, other)).await;
            }
        }
        let Ok(Reply::Done(receipt)) = replies.pop().unwrap() else { panic!("it is whole") };
        receipt
    };
    let told = [[Some(9), None], [Some(4), Some(9)], [Some(9), Some(4)]];
    assert_eq!(all(b"mapping", told, false).await.outcome, Outcome::Partial);
    let mended = [[Some(4), None], [Some(4), Some(9)], [Some(5), Some(4)]];
    assert_eq!(all(b"mended", mended, true).await.outcome, Outcome::Partial);
    let whole = [[Some(4), Some(4)], [Some(5), Some(9)], [Some(6), Some(4)]];
    assert_eq!(all(b"mended again", whole, false).await.outcome, Outcome::Stored);
    for (at, expected) in (1..).zip([(4, 2), (4, 1), (5, 2), (9, 1), (6, 3), (4, 1)]) {
        assert_eq!(said(store, &format!("L-{at}")).await, expected, "L-{at}");
    }
    super::holds(store).await;
}
