//! Records about no dossier: which is current, as of any position, whatever order they came in.

use contracts::{Body, Contracts, Draft};
use serde_json::{Value, json};

use super::{holds, message, send};
use crate::{
    journal::{entry::Mode, merkle::Digest},
    registry::Telling,
    store::{
        Prepared, Store, Submission,
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
    let keys = vec!["a".to_owned(), "c".to_owned(), "x".to_owned()];
    let named = async |as_of| {
        let found = store.named("feedback/1", "so-y-te".to_owned(), keys.clone(), as_of);
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
    let year = |year: i16| crate::registry::measure::day_number(jiff::civil::date(year, 1, 1));
    let days = Some((year(2014), year(2015) - 1));
    let own = RecordQuery { agency: Some("so-y-te".to_owned()), days, ..first.clone() };
    assert_eq!(keys(own.clone()).await, ["so-y-te-2014"]);
    let end = store.head().await.unwrap().tree.size;
    assert_eq!(keys(RecordQuery { as_of: Some(end), ..own }).await, ["so-y-te-2014"]);
    holds(store).await;
}
