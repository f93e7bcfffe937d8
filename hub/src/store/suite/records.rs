//! Records about no dossier: which is current, as of any position, whatever order they came in.

use std::sync::Arc;

use contracts::{Body, Contracts, Draft};
use serde_json::{Value, json};

use super::{holds, message, send};
use crate::{
    journal::{entry::Mode, merkle::Digest},
    registry::{Telling, exchange::reply_key},
    store::{
        Prepared, Store, Submission,
        deliveries::Destination,
        records::{RecordFound, RecordQuery},
    },
};

fn sealed(draft: &Draft<'_>) -> Prepared {
    let record = Contracts::builtin().unwrap().seal(draft).unwrap();
    let (contract, public) = (record.contract().clone(), record.public_text().to_owned());
    let told =
        Telling::read(&contract.to_string(), record.key(), record.retracts(), public.as_bytes());
    Prepared {
        contract,
        key: record.key().to_owned(),
        public_hash: Digest::of(public.as_bytes()),
        public,
        personal: None,
        content: None,
        telling: told.unwrap(),
        destinations: Vec::new(),
        supersedes: None,
    }
}

fn told(key: &str, version: Option<u32>, rating: u8) -> Prepared {
    let mut body = json!({ "id": key, "agency": "so-y-te", "submitted_at": "2024-03-04",
                           "rating": rating });
    if let Some(version) = version {
        body["source_version"] = json!(version.to_string());
    }
    let contract = "feedback/1".parse().unwrap();
    sealed(&Draft { contract, key: key.to_owned().into(), body: body.into() })
}

fn withdrawn(key: &str, at: &str) -> Prepared {
    let body = json!({ "key": key, "agency": "so-y-te", "at": at, "reason": "Nhập nhầm" });
    let (contract, body) = ("feedback/1".parse().unwrap(), Body::Retraction(body.into()));
    sealed(&Draft { contract, key: key.to_owned().into(), body })
}

async fn tell(store: &dyn Store, id: &str, records: Vec<Prepared>) {
    send(store, message(store, id, id, vec![Ok(records)])).await;
}

async fn found(store: &dyn Store, as_of: Option<u64>) -> Vec<RecordFound> {
    let query = RecordQuery { contract: "feedback/1", as_of, limit: 100, ..RecordQuery::default() };
    store.records(query).await.unwrap()
}

/// Keys and ratings.
async fn ratings(store: &dyn Store, as_of: Option<u64>) -> Vec<(String, u64)> {
    let rating = |one: RecordFound| {
        let body: Value = serde_json::from_slice(&one.public).unwrap();
        (one.key, body["rating"].as_u64().unwrap())
    };
    let mut all: Vec<_> = found(store, as_of).await.into_iter().map(rating).collect();
    all.sort();
    all
}

fn of(ratings: &[(&str, u64)]) -> Vec<(String, u64)> {
    ratings.iter().map(|(key, rating)| ((*key).to_owned(), *rating)).collect()
}

/// The greatest version is current; what was current before a position stays so.
pub(crate) async fn current(store: &dyn Store) {
    tell(store, "r-1", vec![told("a", Some(2), 3), told("b", None, 4)]).await;
    assert_eq!(ratings(store, None).await, of(&[("a", 3), ("b", 4)]));
    tell(store, "r-2", vec![told("a", Some(1), 1)]).await;
    assert_eq!(ratings(store, None).await, of(&[("a", 3), ("b", 4)]), "an older version");
    let before = store.head().await.unwrap().tree.size;
    tell(store, "r-3", vec![told("a", Some(10), 5), told("c", Some(1), 1)]).await;
    tell(store, "r-4", vec![told("c", Some(2), 2)]).await;
    let newest = of(&[("a", 5), ("b", 4), ("c", 2)]);
    assert_eq!(ratings(store, None).await, newest);
    assert_eq!(ratings(store, Some(before)).await, of(&[("a", 3), ("b", 4)]));
    // A withdrawal counts from its time on, whatever came before it of another form.
    tell(store, "r-5", vec![withdrawn("c", "2024-03-05"), withdrawn("b", "2020-01-01")]).await;
    assert_eq!(ratings(store, None).await, of(&[("a", 5), ("b", 4)]));
    let trial = message(store, "r-6", "t", vec![Ok(vec![told("d", None, 1)])]);
    send(store, Submission { mode: Mode::Trial, ..trial }).await;
    assert_eq!(ratings(store, None).await, of(&[("a", 5), ("b", 4)]), "in trial");
    let names = ["a", "c", "x"].map(|key| ("so-y-te".to_owned(), key.to_owned()));
    let named = async |as_of| {
        let found = store.named("feedback/1", names.to_vec(), as_of);
        found.await.unwrap().len()
    };
    assert_eq!((named(None).await, named(Some(before)).await), (1, 1));
    assert_eq!(named(Some(before + 3)).await, 2);
    holds(store).await;
    let (kept, past) = (found(store, None).await, found(store, Some(before)).await);
    store.rebuild().await.unwrap();
    assert_eq!((found(store, None).await, found(store, Some(before)).await), (kept, past));
    holds(store).await;
    let end = store.head().await.unwrap().tree.size;
    tell(store, "r-7", vec![told("a", Some(11), 2)]).await;
    assert_eq!(ratings(store, Some(end)).await, of(&[("a", 5), ("b", 4)]));
}

/// Pages go by day and position, of one agency or of all, and of some days.
pub(crate) async fn pages(store: &dyn Store) {
    let budget = |agency: &str, year: i32| {
        let key = format!("{agency}-{year}");
        let body =
            json!({ "id": key, "agency": agency, "year": year, "kind": "spent", "amount": 1 });
        let contract = "budget/1".parse().unwrap();
        sealed(&Draft { contract, key: key.into(), body: body.into() })
    };
    let some = vec![budget("so-y-te", 2015), budget("so-tu-phap", 2014), budget("so-y-te", 2014)];
    tell(store, "p-1", some).await;
    tell(store, "p-2", vec![budget("so-y-te", 2013)]).await;
    let first = RecordQuery { contract: "budget/1", limit: 2, ..RecordQuery::default() };
    let keys = async |query: RecordQuery| -> Vec<String> {
        store.records(query).await.unwrap().into_iter().map(|one| one.key).collect()
    };
    assert_eq!(keys(first.clone()).await, ["so-y-te-2013", "so-tu-phap-2014"]);
    let last = store.records(first.clone()).await.unwrap().pop().unwrap();
    let next = RecordQuery { after: Some((last.day, last.position)), ..first.clone() };
    assert_eq!(keys(next).await, ["so-y-te-2014", "so-y-te-2015"]);
    let latest = RecordQuery { latest: true, ..first.clone() };
    assert_eq!(keys(latest.clone()).await, ["so-y-te-2015", "so-y-te-2014"]);
    let last = store.records(latest.clone()).await.unwrap().pop().unwrap();
    let next = RecordQuery { after: Some((last.day, last.position)), ..latest.clone() };
    assert_eq!(keys(next).await, ["so-tu-phap-2014", "so-y-te-2013"]);
    let year = |year: i16| crate::registry::measure::day_number(jiff::civil::date(year, 1, 1));
    let days = Some((year(2014), year(2015) - 1));
    let own = RecordQuery { agency: Some("so-y-te".to_owned()), days, ..first.clone() };
    assert_eq!(keys(own.clone()).await, ["so-y-te-2014"]);
    assert_eq!(keys(RecordQuery { days, ..latest }).await, ["so-y-te-2014", "so-tu-phap-2014"]);
    let end = store.head().await.unwrap().tree.size;
    assert_eq!(keys(RecordQuery { as_of: Some(end), ..own }).await, ["so-y-te-2014"]);
    holds(store).await;
}

fn replied(key: &str, outcome: &str) -> Prepared {
    let body = json!({ "request": key, "agency": "so-y-te", "outcome": outcome });
    let contract = "reply/1".parse().unwrap();
    let to = Destination { channel: "so-noi-vu.tra-loi".into(), personal: true };
    let sealed = sealed(&Draft { contract, key: key.to_owned().into(), body: body.into() });
    Prepared { destinations: vec![to], ..sealed }
}

/// What the hub answers for an agency is left out where the agency answered first, and stands
/// beside what it answers later, in one line of deliveries; however close they come. The stores
/// may be one.
pub(crate) async fn yielding(stores: [Arc<dyn Store>; 2]) {
    let [one, _] = &stores;
    let (first, second) = ("so-a:1", "so-a:2");
    tell(&**one, "a-1", vec![replied(first, "answered")]).await;
    tell(&**one, "h-1", vec![replied(first, "timed_out")]).await;
    tell(&**one, "h-2", vec![replied(second, "timed_out"), replied(second, "declined")]).await;
    let size = async || one.head().await.unwrap().tree.size;
    assert_eq!(size().await, 3, "nothing is told where the agency answered");
    let names = |key: &str| {
        let keys = [key.to_owned(), reply_key(key, true)];
        keys.map(|key| ("so-y-te".to_owned(), key)).to_vec()
    };
    let outcomes = async |key: &str| -> Vec<(u64, String)> {
        let found = one.named("reply/1", names(key), None).await.unwrap();
        let outcome = |one: RecordFound| {
            let body: Value = serde_json::from_slice(&one.public).unwrap();
            (one.position, body["outcome"].as_str().unwrap().to_owned())
        };
        let mut all: Vec<_> = found.into_iter().map(outcome).collect();
        all.sort();
        all
    };
    assert_eq!(outcomes(first).await, [(0, "answered".to_owned())]);
    let both = [(1, "timed_out".to_owned()), (2, "declined".to_owned())];
    assert_eq!(outcomes(second).await, both);
    let mut telling = tokio::task::JoinSet::new();
    for number in 0..60 {
        // A few at a time: more than that are told to come again.
        if number % 4 == 0 {
            while telling.join_next().await.is_some() {}
        }
        for (at, outcome) in ["answered", "timed_out"].into_iter().enumerate() {
            let store = stores[(number + at) % 2].clone();
            telling.spawn(async move {
                let record = replied(&format!("so-b:{number}"), outcome);
                tell(&*store, &format!("b-{number}-{outcome}"), vec![record]).await;
            });
        }
    }
    telling.join_all().await;
    for number in 0..60 {
        let told = outcomes(&format!("so-b:{number}")).await;
        let words: Vec<&str> = told.iter().map(|(_, outcome)| outcome.as_str()).collect();
        assert!(words == ["answered"] || words == ["timed_out", "answered"], "{number}: {words:?}");
    }
    // In one line: the first of each is announced alone.
    let lease = std::time::Duration::from_secs(60);
    let all = one.announce("so-noi-vu.tra-loi".into(), 200, lease).await.unwrap();
    assert_eq!(all.len(), 62);
    holds(&**one).await;
    one.rebuild().await.unwrap();
    assert_eq!(outcomes(second).await, both);
    holds(&**one).await;
}
